"""Writes pair-states.md from control's table of decisions: ``python -m docs.pair_states``."""

from pathlib import Path

from control.snapshot import State
from control.transitions import TABLE, Transition

PAGE = Path(__file__).with_name("pair-states.md")

MEANING = {
    State.NEW: "nobody has ever served",
    State.READY: "the active server is there and waits for a grant",
    State.GRANTED: "it was granted an epoch and has not confirmed it",
    State.SERVING: "it serves in the recorded epoch",
    State.WAITING: "it is away, or cannot take a grant",
    State.DISPUTED: "a server has seen more than the record says, or one that is away might",
}
HAPPENS = (
    (State.GRANTED, State.SERVING, "it has the epoch on its disk"),
    (State.GRANTED, State.WAITING, "it is lost"),
    (State.SERVING, State.WAITING, "it is lost"),
    (State.SERVING, State.READY, "it has stepped down"),
    (State.WAITING, State.READY, "it is back"),
    (State.WAITING, State.SERVING, "control hears it again"),
)
"""What leads from state to state without a decision (drawn dotted)."""

HEAD = """# The states of a pair

Made from `control/transitions.py` by `python -m docs.pair_states`; a test holds that it is up to date. Of each state
the first row that fits counts. *Active* is the server that the record names (before anybody has served: the configured
primary), *standby* the other one. How the whole works: [`pair.md`](pair.md).

"""


def page() -> str:
    """The whole page."""
    return HEAD + "\n".join([*_diagram(), "", *_states(), "", *_table()]) + "\n"


def _diagram() -> list[str]:
    lines = ["```mermaid", "flowchart LR"]
    lines += [f"    {state}([{state}])" for state in State]
    for source in State:
        for target in State:
            rows = [str(number) for number, row in enumerate(TABLE, 1)
                    if (row.state, row.leads_to) == (source, target) and (source != target or _acts(row))]
            if rows:
                lines.append(f'    {source} -->|"{", ".join(rows)}"| {target}')
    lines += [f'    {source} -.->|"{what}"| {target}' for source, target, what in HAPPENS]
    return [*lines, "```", "", "Solid: decisions, by the numbers of their rows below. Dotted: what happens by itself.",
            "Rows that only wait are not drawn. Any state turns into *disputed* while a server is ahead of the record,",
            "and after an older database was put back while one is away that might be; how it ends is in",
            "[`pair.md`](pair.md)."]


def _acts(row: Transition) -> bool:
    return row.serve is not None or row.step_down


def _states() -> list[str]:
    return ["| state | the active server |", "|---|---|", *(f"| {state} | {MEANING[state]} |" for state in State)]


def _table() -> list[str]:
    lines = ["| | state | when | what control does | then | reason |", "|---|---|---|---|---|---|"]
    for number, row in enumerate(TABLE, 1):
        when = row.when.__name__.replace("_", " ")
        lines.append(f"| {number} | {row.state} | {when} | {_does(row)} | {row.leads_to} | {_words(row.reason)} |")
    return lines


def _does(row: Transition) -> str:
    if row.serve is not None:
        return f"grants {row.serve.__name__.strip('_').replace('candidate', 'active')} a new epoch"
    if row.step_down:
        return "asks active to step down"
    return "looks again after the detection time" if row.recheck else "nothing"


def _words(reason: str) -> str:
    for name in ("active", "standby", "by", "epoch", "version", "ahead", "seen_epoch", "seen_version", "trouble"):
        reason = reason.replace(f"{{{name}}}", f"*{name.replace('_', ' ')}*")
    return reason


if __name__ == "__main__":
    PAGE.write_text(page())
