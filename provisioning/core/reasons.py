"""Why somebody does something, as they typed it."""

from provisioning.errors import Refusal, Refused

MAX_REASON = 1000


def one_line(text: str) -> str:
    """The reason in one line. Raises Refused when it is too long to be kept."""
    text = " ".join(text.split())
    if len(text) > MAX_REASON:
        raise Refused(Refusal(f"The reason has {len(text)} characters; {MAX_REASON} fit.", "reason"))
    return text
