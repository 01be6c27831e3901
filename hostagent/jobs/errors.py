"""How a job can end other than well."""

import contextlib
from collections.abc import Iterator


class JobFailed(Exception):
    """An expected failure: ``reason`` is a sentence, ``advice`` says what to do."""

    def __init__(self, reason: str, advice: str = ""):
        super().__init__(reason)
        self.reason, self.advice = reason, advice


class JobCancelled(Exception):
    """Somebody cancelled the job. Raised in the middle of its work."""


@contextlib.contextmanager
def told(sentence: str, advice: str = "Correct the rights of the directory or make room, then run the job again."
         ) -> Iterator[None]:
    """An OSError in here is a JobFailed that begins with ``sentence``."""
    try:
        yield
    except OSError as error:
        raise JobFailed(f"{sentence}: {error.strerror}.", advice) from None
