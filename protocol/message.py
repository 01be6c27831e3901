"""What all messages share: their name on the wire, and the way to and from a dictionary."""

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar


class MessageError(ValueError):
    """A line that is no message: unknown type, missing or unknown field, wrong type of a value."""


_REGISTRY: dict[str, type["Message"]] = {}


@dataclass(frozen=True, kw_only=True)
class Message:
    """Base of all messages; ``type`` names it on the wire."""

    type: ClassVar[str] = ""
    kept_as_sent: ClassVar[bool] = False
    """Whether a message that came keeps what it said to a newer release, so that a signature over all of it can be
    checked."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.type = _snake(cls.__name__)
        _REGISTRY[cls.type] = cls

    def to_dict(self) -> dict[str, Any]:
        return {"type": self.type, **{f.name: getattr(self, f.name) for f in dataclasses.fields(self)}}

    def as_sent(self) -> dict[str, Any]:
        """The message as its sender wrote it, with the fields that this release does not know and without those that
        the sender did not."""
        return self.__dict__.get("_as_sent") or self.to_dict()


def _snake(name: str) -> str:
    return "".join("_" + c.lower() if c.isupper() and i else c.lower() for i, c in enumerate(name))


_CHECKS: dict[str, type | tuple[type, ...]] = {
    "str": str, "int": int, "float": (int, float), "bool": bool, "dict": dict, "list": list}


def from_dict(body: Any) -> Message:
    """The message that ``body`` spells. Unknown fields are ignored, so an older peer can read a newer one.

    Raises MessageError.
    """
    if not isinstance(body, dict):
        raise MessageError("a message is a JSON object")
    name = body.get("type")
    cls = _REGISTRY.get(name) if isinstance(name, str) else None
    if cls is None:
        raise MessageError(f"unknown message type {str(name)[:40]!r}")
    values = {}
    for f in dataclasses.fields(cls):
        if f.name not in body:
            if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING:
                raise MessageError(f"{cls.type}: field {f.name} is missing")
            continue
        value = body[f.name]
        # The name of list[str] is list: what is in it is looked at by whoever uses it.
        expected = _CHECKS[f.type if isinstance(f.type, str) else f.type.__name__]
        if not isinstance(value, expected) or (isinstance(value, bool) and expected is not bool):
            raise MessageError(f"{cls.type}: field {f.name} is not {f.type}")
        values[f.name] = value
    message = cls(**values)
    if cls.kept_as_sent:
        object.__setattr__(message, "_as_sent", body)
    return message
