"""The answer to "would failover work now?"."""

from dataclasses import dataclass

OK, NO, UNKNOWN = "ok", "no", "unknown"


@dataclass(frozen=True)
class Condition:
    """``state`` is OK, NO or UNKNOWN. Without ``necessary`` it is a warning: failover works, but less well."""

    code: str
    label: str
    state: str
    sentence: str
    advice: str = ""
    necessary: bool = True


@dataclass(frozen=True)
class FailoverVerdict:
    conditions: tuple[Condition, ...]

    @property
    def works(self) -> bool:
        """True only when every necessary condition is known to hold."""
        return not self.missing

    @property
    def missing(self) -> tuple[Condition, ...]:
        return tuple(each for each in self.conditions if each.necessary and each.state != OK)

    @property
    def warnings(self) -> tuple[Condition, ...]:
        return tuple(each for each in self.conditions if not each.necessary and each.state != OK)

    @property
    def sentence(self) -> str:
        if self.works:
            return "Yes: failover would work now."
        denied = sum(each.state == NO for each in self.missing)
        unknown = len(self.missing) - denied
        parts = [_counted(denied, "condition does not hold", "conditions do not hold"),
                 _counted(unknown, "is not known", "are not known")]
        return f"No: {' and '.join(filter(None, parts))}."


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}" if number else ""
