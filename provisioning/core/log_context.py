"""What is under way while something writes a line of the log: the request of a page, the job that is worked on."""

import functools
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

Given = ParamSpec("Given")
Result = TypeVar("Result")
current_request: ContextVar[Any] = ContextVar("the request that is answered", default=None)
_current_job: ContextVar[str] = ContextVar("the job that is worked on", default="")


def about_job(work: Callable[Given, Result]) -> Callable[Given, Result]:
    """Decorates what is about the job that its first argument is, or is the key of."""
    @functools.wraps(work)
    def working(*args: Given.args, **kwargs: Given.kwargs) -> Result:
        first: Any = args[0] if args else next(iter(kwargs.values()))
        token = _current_job.set(str(getattr(first, "pk", first)))
        try:
            return work(*args, **kwargs)
        finally:
            _current_job.reset(token)
    return working


def new_request_id() -> str:
    return str(uuid.uuid4())


def under_way(request: Any = None) -> dict[str, str]:
    """request_id, user and job, as far as there are any. ``request``: the one that a line is about, if it says so.
    It asks no database: of a user only who is known already is told."""
    request = request or current_request.get()
    actor, user = getattr(request, "_pairwise_actor", None), getattr(request, "_cached_user", None)
    found = {
        "request_id": getattr(request, "request_id", "") or getattr(actor, "request_id", ""),
        "user": getattr(actor, "name", "") or (user.get_username() if user is not None else ""),
        "job": _current_job.get()}
    return {name: text for name, text in found.items() if text}
