"""What can go wrong, each as a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Mapping


class ClientError(Exception):
    """The base of all errors of this package."""


class Refused(ClientError):
    """The server does not do what was asked; the text is its own sentence."""


class NotConnected(ClientError, ConnectionError):
    """No member serves this client. ``tried``: what happened at each, by its address."""

    def __init__(self, sentence: str, tried: Mapping[str, str] | None = None):
        self.tried = dict(tried or {})
        super().__init__(_with(sentence, self.tried))


class Timeout(ClientError, TimeoutError):
    """There was no answer in time. ``tried``: what happened at each member that did not serve.

    A message may or may not be stored then: send it again with the same ``dedup_id`` to have it once."""

    def __init__(self, sentence: str, tried: Mapping[str, str] | None = None, dedup_id: str = ""):
        self.tried, self.dedup_id = dict(tried or {}), dedup_id
        super().__init__(_with(sentence, self.tried))


class Gap(ClientError):
    """Messages from ``asked`` on were wanted, and ``first`` is the oldest that is kept: retention may have removed some
    that lie between. The subscription goes on with what is kept when it is read on."""

    def __init__(self, asked: int, first: int):
        self.asked, self.first = asked, first
        super().__init__(f"Messages from {asked} on were wanted; the oldest that the server keeps is {first}. "
                         "Read on to go on with it.")


def _with(sentence: str, tried: Mapping[str, str]) -> str:
    return " ".join([sentence, *(f"{member}: {why.rstrip('.')}." for member, why in tried.items())])
