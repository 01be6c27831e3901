"""Kinds of object that a file of ``apply`` lists beside hosts and applications: a row each, by which the file is read,
planned, carried out and written again. They name others by name only, so they come after all of those."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from django.db.models import QuerySet

from provisioning.alarms.rules import conditions as condition_rules
from provisioning.alarms.rules.conditions import ConditionDraft
from provisioning.alarms.selectors.conditions import WITH_CHANNELS as CONDITIONS_WITH_CHANNELS
from provisioning.alarms.services import conditions
from provisioning.core import permissions
from provisioning.declared import Kind
from provisioning.errors import Refusal, Refused
from provisioning.models import AlarmCondition, AuditTarget, Channel, NotificationRule
from provisioning.models.applications import MASK
from provisioning.notifications.rules import kinds as channel_kinds
from provisioning.notifications.rules.drafts import ChannelDraft, RuleDraft
from provisioning.notifications.rules.matching import hints as rule_hints
from provisioning.notifications.rules.refusals import CHANNEL_LABELS, RULE_LABELS, channel_refusals, rule_refusals
from provisioning.notifications.selectors.allowed import allowed_addresses
from provisioning.notifications.services import channels, rules
from provisioning.shipping.rules import refusals as target_rules
from provisioning.shipping.rules.drafts import TargetDraft
from provisioning.shipping.services import targets
from provisioning.states import AlarmSelection, ChannelKind, ReactionVerb

Values = dict[str, Any]
"""{key in the file: text, number, flag or list}."""
Names = Mapping[str, Collection[str]]
"""{key of a kind, or filter of a rule: names of what there is, stored or in the file}."""
CONDITIONS, CHANNELS, RULES = "alarm_conditions", "channels", "notification_rules"
TARGETS = "audit_targets"
_KINDS: Mapping[Any, Kind] = {str: Kind.TEXT, int: Kind.NUMBER, bool: Kind.FLAG, tuple[str, ...]: Kind.NAMES}


def _keys(draft: type) -> dict[str, Kind]:
    return {each.name: _KINDS[each.type] for each in fields(draft)}


@dataclass(frozen=True, kw_only=True)
class Listed:
    """``label``: what plans call one. ``keys``: what the file may say of one. ``stored``: all that there are; with
    ``draft_of`` each as somebody would type it, secrets as MASK.

    ``drafted`` makes what the file says of the object with this row (None: a new one) a whole draft, in the spelling in
    which it will be stored. ``refusals`` are those of a save, ``hints`` what is allowed and still strange, both given
    the names of what there will be.
    ``values`` is a draft as the file writes it; ``labels`` and ``secrets`` are of its keys.
    """

    label: str
    permission: str
    keys: Mapping[str, Kind]
    stored: Callable[[], QuerySet]
    draft_of: Callable[[Any], Any]
    drafted: Callable[[Values, Any], Any]
    refusals: Callable[[Any, Any, Names], list[Refusal]]
    hints: Callable[[Any, Names], Iterable[str]] = lambda draft, names: ()
    values: Callable[[Any], Values]
    labels: Callable[[Any], Mapping[str, str]]
    secrets: Callable[[Any], Collection[str]] = lambda draft: ()
    create: Callable[..., Any]
    update: Callable[..., Any]

    def written(self, row: Any) -> Values:
        """A stored object as the file writes it."""
        return self.values(self.draft_of(row))


# --- alarm conditions


_CHOSEN = {"application_type": AlarmSelection.TYPE, "application": AlarmSelection.APPLICATION}
"""{field that says whose events count: the Selection Mode with which it does}."""


CHANNEL = "channel"
"""In a list of reactions: {channel: its name}."""
_CONDITION_KEYS = {name: Kind.WORDS if name in condition_rules.REACTIONS else kind
                   for name, kind in _keys(ConditionDraft).items() if name not in condition_rules.REACTIONS.values()}


def _condition(given: Values, row: AlarmCondition | None) -> ConditionDraft:
    """Raises Refused."""
    base = ConditionDraft(name=given["name"]) if row is None else conditions.draft_of(row)
    given = given | _reactions(given)
    draft = condition_rules.as_stored(replace(base, **given))
    # What the file says and the Selection Mode leaves out is not dropped unseen, but refused.
    return replace(draft, **{name: given[name] for name in _CHOSEN
                             if given.get(name, "").strip() and not getattr(draft, name)})


def _reactions(given: Values) -> Values:
    """What is done and who is told, of what the file has in one list. Raises Refused."""
    found: Values = {}
    for name, told in condition_rules.REACTIONS.items():
        if name in given:
            pairs = [each for each in given[name] if isinstance(each, tuple)]
            if wrong := [key for key, _ in pairs if key != CHANNEL]:
                raise Refused(Refusal(f"{name}: {wrong[0]} is no reaction. Write {', '.join(ReactionVerb.values)} or "
                                      f"{{{CHANNEL}: its name}}.", name))
            found |= {name: tuple(each for each in given[name] if isinstance(each, str)),
                      told: tuple(channel for _, channel in pairs)}
    return found


def _condition_values(draft: ConditionDraft) -> Values:
    """In which order a file names channels makes no difference."""
    values = asdict(draft)
    for name, told in condition_rules.REACTIONS.items():
        values[name] = [*values[name], *({CHANNEL: each} for each in sorted(values.pop(told)))]
    return values


def _condition_refusals(draft: ConditionDraft, row: Any, names: Names) -> list[Refusal]:
    as_stored, labels = condition_rules.as_stored(draft), condition_rules.LABELS
    return condition_rules.refusals(draft, (), names[CHANNELS]) + [
        Refusal(f"{labels[name]} counts with selection_mode: {mode} only. Write that, or leave {name} out.", name)
        for name, mode in _CHOSEN.items() if getattr(draft, name) and not getattr(as_stored, name)]


# --- channels


def _channel(given: Values, row: Channel | None) -> ChannelDraft:
    base = ChannelDraft(name=given["name"], kind="") if row is None else channels.draft_of(row)
    common = {name: given[name] for name in CHANNEL_LABELS if name in given}
    draft = replace(base, **common)
    # Another kind has other fields, and what was secret for one receiver is not sent to another one.
    kept = base.fields if draft.kind == base.kind else {}
    typed = {name: _typed(value) for name, value in given.items() if name not in CHANNEL_LABELS}
    stored = row.secret_fields if row is not None and draft.kind == row.kind else {}
    typed = {name: MASK if text and text == stored.get(name) else text for name, text in typed.items()}
    return replace(draft, fields=kept | typed)


def _typed(value: str | tuple[str, ...]) -> str:
    return value.strip() if isinstance(value, str) else ", ".join(channel_kinds.listed(",".join(value)))


def _channel_refusals(draft: ChannelDraft, row: Channel | None, names: Names) -> list[Refusal]:
    if not draft.kind:
        return [Refusal(f"kind is missing: it is one of {', '.join(ChannelKind.values)}.", "kind")]
    kept = row.secret_fields if row is not None and row.kind == draft.kind else {}
    return channel_refusals(draft, (), allowed=allowed_addresses(), kept=kept)


def _channel_values(draft: ChannelDraft) -> Values:
    own = channel_kinds.fields_of(draft.kind)
    texts, many = {field.name: "" for field in own} | draft.fields, {field.name for field in own if field.many}
    return {name: getattr(draft, name) for name in CHANNEL_LABELS} | {
        name: channel_kinds.listed(text) if name in many else text for name, text in texts.items()}


def _channel_labels(draft: ChannelDraft) -> Mapping[str, str]:
    return CHANNEL_LABELS | {field.name: field.label for field in channel_kinds.fields_of(draft.kind)}


def _channel_secrets(draft: ChannelDraft) -> Collection[str]:
    return {field.name for field in channel_kinds.fields_of(draft.kind) if field.secret}


_CHANNEL_KEYS = dict.fromkeys(CHANNEL_LABELS, Kind.TEXT) | {"enabled": Kind.FLAG} | {
    field.name: Kind.NAMES if field.many else Kind.TEXT for own in channel_kinds.KINDS.values() for field in own}


# --- notification rules


def _rule(given: Values, row: NotificationRule | None) -> RuleDraft:
    base = RuleDraft(name=given["name"]) if row is None else rules.draft_of(row)
    values: Values = {name: _each_once(value) if isinstance(value, tuple) else value for name, value in given.items()}
    return replace(base, **values)


def _each_once(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in names))


def _rule_values(draft: RuleDraft) -> Values:
    """Lists in one order: in which order a file names channels or filters makes no difference."""
    return {name: sorted(value) if isinstance(value, tuple) else value for name, value in asdict(draft).items()}


# --- audit targets


def _target(given: Values, row: AuditTarget | None) -> TargetDraft:
    base = TargetDraft(name=given["name"]) if row is None else targets.draft_of(row)
    stored = row.secrets if row is not None else {}
    typed = {name: value.strip() if isinstance(value, str) and name not in ("name", "description") else value
             for name, value in given.items()}
    values: Values = {name: MASK if value and value == stored.get(name) else value for name, value in typed.items()}
    return replace(base, **values)


def _target_refusals(draft: TargetDraft, row: AuditTarget | None, names: Names) -> list[Refusal]:
    return target_rules.refusals(draft, (), allowed=allowed_addresses(),
                                 kept=targets.kept_secrets(row, draft.address))


# --- all of them


LISTED: Mapping[str, Listed] = {
    CHANNELS: Listed(
        label="channel", permission=permissions.NOTIFY, keys=_CHANNEL_KEYS,
        stored=Channel.objects.all, draft_of=channels.draft_of, drafted=_channel, refusals=_channel_refusals,
        values=_channel_values, labels=_channel_labels, secrets=_channel_secrets, create=channels.create_channel,
        update=lambda key, **rest: channels.update_channel(channel_id=key, **rest)),
    CONDITIONS: Listed(
        label="alarm condition", permission=permissions.CONDITIONS, keys=_CONDITION_KEYS,
        stored=lambda: AlarmCondition.objects.prefetch_related(*CONDITIONS_WITH_CHANNELS),
        draft_of=conditions.draft_of, drafted=_condition, refusals=_condition_refusals,
        hints=lambda draft, names: condition_rules.hints(draft, names["applications"]), values=_condition_values,
        labels=lambda draft: condition_rules.LABELS, create=conditions.create_condition,
        update=lambda key, **rest: conditions.update_condition(condition_id=key, **rest)),
    RULES: Listed(
        label="notification rule", permission=permissions.NOTIFY, keys=_keys(RuleDraft),
        stored=lambda: NotificationRule.objects.prefetch_related("channels"), draft_of=rules.draft_of, drafted=_rule,
        refusals=lambda draft, row, names: rule_refusals(draft, (), names[CHANNELS]),
        hints=rule_hints, values=_rule_values,
        labels=lambda draft: RULE_LABELS, create=rules.create_rule,
        update=lambda key, **rest: rules.update_rule(rule_id=key, **rest)),
    TARGETS: Listed(
        label="audit target", permission=permissions.SHIP, keys=_keys(TargetDraft),
        stored=AuditTarget.objects.all, draft_of=targets.draft_of, drafted=_target, refusals=_target_refusals,
        values=asdict, labels=lambda draft: target_rules.LABELS, secrets=lambda draft: target_rules.SECRETS,
        create=targets.create_target, update=lambda key, **rest: targets.update_target(target_id=key, **rest)),
}
"""{key in the file: kind}, in the order in which they are planned and carried out: conditions and rules name
channels."""
