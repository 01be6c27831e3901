"""What control's record shows against a switchover, of many applications at once."""

from collections.abc import Iterable

from provisioning.errors import Refusal
from provisioning.jobs.selectors.readiness import AGAINST
from provisioning.models import Application
from provisioning.pairs.rules.story import no_pair, why_not

from .page import facts_of_pairs


@AGAINST.of("switch-over")
def against_switchover(rows: Iterable[Application]) -> dict[int, Refusal]:
    """{application: why its pair cannot be switched over}; those of which it can are missing."""
    primaries = {row.pk: _primary_of(row) for row in rows}
    pairs = facts_of_pairs({key for key in primaries.values() if key})
    found = {}
    for row in rows:
        pair = pairs.get(primaries[row.pk] or 0)
        if pair is None:
            found[row.pk] = Refusal(no_pair(row.name), "", (row.link,))
        elif sentence := why_not(pair).get("switchover"):
            found[row.pk] = Refusal(sentence, "", tuple(member.link for member in pair.members))
    return found


def _primary_of(row: Application) -> int | None:
    primary = row if row.backup_server_id else getattr(row, "primary_server", None)
    return primary.pk if primary else None
