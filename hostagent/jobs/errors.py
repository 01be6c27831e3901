"""How a job can end other than well."""


class JobFailed(Exception):
    """An expected failure: ``reason`` is a sentence, ``advice`` says what to do."""

    def __init__(self, reason: str, advice: str = ""):
        super().__init__(reason)
        self.reason, self.advice = reason, advice


class JobCancelled(Exception):
    """Somebody cancelled the job. Raised in the middle of its work."""
