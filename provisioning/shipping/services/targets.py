"""Targets of audit shipping: create, change, delete, test, send again."""

from urllib.parse import urlsplit

from provisioning.core import changes, permissions
from provisioning.core.permissions import Actor
from provisioning.core.text import number_refusals
from provisioning.errors import Difference, Refusal, Refused
from provisioning.history import history
from provisioning.history.revised import Revised, differing
from provisioning.models import AuditTarget, Shipment
from provisioning.models.applications import MASK
from provisioning.notifications.selectors.allowed import allowed_addresses
from provisioning.shipping.rules.drafts import TargetDraft
from provisioning.shipping.rules.refusals import LABELS, SECRETS, refusals
from provisioning.shipping.selectors.targets import TARGETS, get_target, newest_number
from provisioning.shipping.worker.trial import Tried, tried


def create_target(*, actor: Actor, draft: TargetDraft) -> AuditTarget:
    """It gets History from its beginning. Raises Refused."""
    return KIND.create(actor=actor, draft=draft)


def update_target(*, actor: Actor, target_id: int, draft: TargetDraft, revision: int | None = None,
                  reason: str = "") -> AuditTarget:
    """As ``Revised.update``; it goes on where it was."""
    return KIND.update(target_id, actor=actor, draft=draft, revision=revision, reason=reason)


def delete_target(*, actor: Actor, target_id: int, reason: str = "") -> None:
    """Raises Refused, NotFound."""
    KIND.delete(target_id, actor=actor, reason=reason)


def draft_of(row: AuditTarget) -> TargetDraft:
    """What is stored, as somebody would type it; secrets as MASK."""
    shown = row.shown_secrets
    return TargetDraft(
        name=row.name, address=row.address, description=row.description, enabled=row.enabled, format=row.format,
        ca=row.ca, certificate=row.certificate, key=shown.get("key", ""), token=shown.get("token", ""))


def kept_secrets(row: AuditTarget | None, address: str) -> dict[str, str]:
    """{name: text} of what stays where MASK is typed. The token of one receiver is not sent to another one."""
    if row is None or not row.pk:
        return {}
    same = urlsplit(row.address)[:2] == urlsplit(address.strip())[:2]
    return {name: text for name, text in row.secrets.items() if same or name != "token"}


def test_target(*, actor: Actor, target_id: int) -> Tried:
    """Send an entry that says that it is a test, now, once, also to a target that is disabled. Raises NotFound."""
    actor.require(permissions.SHIP)
    row = get_target(target_id)
    made = tried(row, actor.name, actor.origin)
    came = "It was taken." if made.outcome.taken else f"It was not taken: {made.outcome.said}"
    with history.atomic():
        history.record_verb(actor=actor, row=row, reason=f"Tested. {came}")
    return made


def send_again(*, actor: Actor, target_id: int, number: int, reason: str = "") -> None:
    """The target gets the entries from ``number`` on once more. Raises Refused, NotFound."""
    actor.require(permissions.SHIP)
    row, newest = get_target(target_id), newest_number()
    found = number_refusals(number, field="number", label="First Entry", least=1, most=newest)
    if found:
        raise Refused(*found)
    with history.atomic():
        shipment, _ = Shipment.objects.select_for_update().get_or_create(target=row)
        if shipment.number < number:
            raise Refused(Refusal(f"{row.name} has got entries up to {shipment.number} so far: the one with the number "
                                  f"{number} is still to come. Give a number up to that one.", "number"))
        shipment.number, shipment.tries, shipment.trouble = number - 1, 0, ""
        shipment.save()
        history.record_verb(actor=actor, row=row, reason=" ".join(filter(None, (
            f"Entries are sent again from number {number} on.", reason))))
        changes.tell(TARGETS)


def _fill(row: AuditTarget, draft: TargetDraft, others: set[str]) -> None:
    kept = kept_secrets(row, draft.address)
    found = refusals(draft, others, allowed=allowed_addresses(), kept=kept)
    if row.pk and not draft.enabled:
        # Whatever is stored, it can be disabled: only what is typed anew is judged.
        typed = {each.field for each in _differences(row, draft)}
        found = [each for each in found if each.field in typed]
    if found:
        raise Refused(*found)
    row.name, row.description, row.enabled, row.format = draft.name, draft.description, draft.enabled, draft.format
    row.address, row.ca, row.certificate = draft.address.strip(), draft.ca.strip(), draft.certificate.strip()
    for name in SECRETS:
        text = getattr(draft, name).strip()
        setattr(row, name, kept.get(name, "") if text == MASK else text)


def _stored(row: AuditTarget, draft: TargetDraft) -> None:
    Shipment.objects.get_or_create(target=row)


def _differences(row: AuditTarget, draft: TargetDraft) -> list[Difference]:
    return [Difference(each.field, each.label, each.theirs, MASK if each.field in SECRETS and each.yours else
                       each.yours) for each in differing(LABELS, draft_of(row), draft)]


def _secrets(row: AuditTarget) -> dict[str, str]:
    return {LABELS[name]: text for name, text in row.secrets.items()}


KIND = Revised(
    model=AuditTarget, noun="audit target", article="An", permission=permissions.SHIP, topics=(TARGETS,),
    get=get_target, fill=_fill, stored=_stored, differences=_differences, secrets=_secrets)
