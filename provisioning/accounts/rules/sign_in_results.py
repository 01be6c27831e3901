"""What came of a sign-in, of the sentence that History has of it. Pure."""

import re

from provisioning.states import SignInResult

_SENTENCES = (
    (re.compile("Signed in"), SignInResult.SIGNED_IN),
    (re.compile("Signed out"), SignInResult.SIGNED_OUT),
    (re.compile("Was not let in"), SignInResult.REFUSED),
    (re.compile("Locked until|Was not looked at"), SignInResult.LOCKED),
    (re.compile("(?:A session was|[0-9]+ sessions were) ended"), SignInResult.ENDED),
    (re.compile("Unlocked"), SignInResult.UNLOCKED),
)


def result_of(sentence: str) -> SignInResult | None:
    return next((result for beginning, result in _SENTENCES if beginning.match(sentence)), None)
