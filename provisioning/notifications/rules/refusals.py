"""What a channel and a notification rule may say: the refusals of a save. Pure."""

import os.path
import re
import shlex
from collections.abc import Callable, Collection

from provisioning.core.text import has_control_characters, name_refusals, number_refusals, text_refusals
from provisioning.errors import Refusal
from provisioning.models.applications import MASK
from provisioning.states import AlarmCategory, ChannelKind

from .addresses import NOTHING, VENDORS, Allowed, vendor_parts, why_not_post
from .drafts import ChannelDraft, RuleDraft
from .kinds import ChannelField, fields_of, listed
from .signature import key_of
from .times import hours_of, zone_names

LONGEST_FIELD, LONGEST_NAME = 2000, 255
MOST_LISTED = 200
LONGEST_WAIT_S, LONGEST_REPEAT_H, LONGEST_GROUP_S, LARGEST_LIMIT = 24 * 3600, 24 * 7, 3600, 1000
RULE_LABELS = {
    "name": "Name", "channels": "Channels", "categories": "Categories", "conditions": "Alarm Conditions",
    "applications": "Applications", "hosts": "Hosts", "pairs": "Pairs", "quiet_hours": "Quiet Hours",
    "time_zone": "Time Zone", "wait_s": "Wait", "repeat_h": "Repeat Every", "recovery": "Recovery Message",
    "group_s": "Gather For", "limit_per_hour": "Limit", "enabled": "Enabled",
}
CHANNEL_LABELS = {"name": "Name", "description": "Description", "kind": "Kind", "enabled": "Enabled"}
"""Of what every channel has; the fields of its kind have theirs."""
Check = Callable[[str, Allowed], str]
_MAIL = re.compile(r"[^\s@,;<>\"()\[\]\\]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_KEY = re.compile(r"[A-Za-z0-9_+/=-]{4,256}")
_AWS_REGION, _TOPIC = re.compile(r"[a-z]{2}(?:-[a-z]+)+-[0-9]{1,2}"), re.compile(r"[A-Za-z0-9_-]{1,256}")
_RESPONDER = re.compile(r"[#@*^][^\s/?,#@*^][^/?,]{0,127}")


def channel_refusals(draft: ChannelDraft, others: Collection[str], *, allowed: Allowed = NOTHING,
                     kept: Collection[str] = ()) -> list[Refusal]:
    """``others``: names of the other channels; ``kept``: secret fields that have a value already, so that MASK may
    stand for it."""
    found = name_refusals(draft.name, what="A channel")
    if draft.name in others:
        found.append(Refusal(f"A channel named {draft.name} exists already.", "name"))
    found += text_refusals(draft.description, field="description", label="Description", longest=1024)
    if draft.kind not in ChannelKind.values:
        return [*found, Refusal(f"There is no kind of channel {draft.kind}: it is one of "
                                f"{', '.join(ChannelKind.values)}.", "kind")]
    own = fields_of(draft.kind)
    label = ChannelKind(draft.kind).label
    found += [Refusal(f"A channel of the kind {label} has no field {name}. Leave it out.", name)
              for name in draft.fields if name not in {field.name for field in own}]
    for field in own:
        found += _of_field(ChannelKind(draft.kind), field, draft.fields.get(field.name, ""), allowed, kept)
    return found


def _of_field(kind: ChannelKind, field: ChannelField, value: object, allowed: Allowed,
              kept: Collection[str]) -> list[Refusal]:
    found = text_refusals(value, field=field.name, label=field.label, longest=LONGEST_FIELD)
    if found or not isinstance(value, str):
        return found
    if field.secret and value == MASK:
        return [] if field.name in kept else [Refusal(
            f"{field.label} is not known here: {MASK} stands for a value that was kept. Type it.", field.name)]
    text = value.strip()
    if not text or (field.many and not listed(text)):
        return [Refusal(f"{field.label} is required.", field.name)] if field.required else []
    check = _CHECKS.get((kind, field.name))
    why = check(text, allowed) if check else ""
    return [Refusal(f"{field.label} {why}", field.name)] if why else []


def _mail(text: str, allowed: Allowed) -> str:
    wrong = next((each for each in listed(text) if not _MAIL.fullmatch(each)), "")
    return f"holds {wrong}, which is no e-mail address. Write name@example.com, several with commas." if wrong else ""


def _any_server(text: str, allowed: Allowed) -> str:
    return why_not_post(text, allowed)


def _vendor(kind: ChannelKind) -> Check:
    def check(text: str, allowed: Allowed) -> str:
        return "" if vendor_parts(kind, text) is not None else (
            f"is no address of {kind.label}. Copy {VENDORS[kind][1]}.")
    return check


def _fits(pattern: re.Pattern[str], what: str) -> Check:
    return lambda text, allowed: "" if pattern.fullmatch(text) else f"is {what}."


def _each_fits(pattern: re.Pattern[str], what: str) -> Check:
    def check(text: str, allowed: Allowed) -> str:
        wrong = next((each for each in listed(text) if not pattern.fullmatch(each)), "")
        return f"hold {wrong}, which is {what}." if wrong else ""
    return check


def _command(text: str, allowed: Allowed) -> str:
    try:
        words = shlex.split(text)
    except ValueError:
        return "has a quote that is not closed. Close it."
    if not words or not os.path.isabs(words[0]):
        return "does not begin with a whole path. Write /path/of/the/program and its arguments."
    return ""


def _signs(text: str, allowed: Allowed) -> str:
    try:
        key_of(text)
    except ValueError as error:
        return str(error)
    return ""


_NO_KEY = "no key: it has letters, digits and - only. Copy it again"
_CHECKS: dict[tuple[ChannelKind, str], Check] = {
    (ChannelKind.MAIL, "to"): _mail,
    (ChannelKind.WEBHOOK, "url"): _any_server,
    (ChannelKind.WEBHOOK, "secret"): _signs,
    (ChannelKind.MATTERMOST, "url"): _any_server,
    **{(kind, "url"): _vendor(kind) for kind in VENDORS},
    **{(kind, "key"): _fits(_KEY, _NO_KEY) for kind in (
        ChannelKind.PAGERDUTY, ChannelKind.OPSGENIE, ChannelKind.JIRA)},
    **{(kind, "region"): _fits(re.compile("us|eu"), "neither us nor eu. Write one of them") for kind in (
        ChannelKind.PAGERDUTY, ChannelKind.OPSGENIE)},
    **{(kind, "responders"): _each_fits(_RESPONDER, "no responder. Write #team, @user, *schedule or ^escalation")
       for kind in (ChannelKind.OPSGENIE, ChannelKind.JIRA)},
    (ChannelKind.SNS, "access_key_id"): _fits(re.compile("[A-Za-z0-9]{4,128}"), _NO_KEY),
    (ChannelKind.SNS, "secret_access_key"): _fits(_KEY, _NO_KEY),
    (ChannelKind.SNS, "region"): _fits(_AWS_REGION, "no region of AWS. Write it as eu-central-1"),
    (ChannelKind.SNS, "topics"): _each_fits(_TOPIC, "no name of a topic. Write its name, not its ARN"),
    (ChannelKind.COMMAND, "command"): _command,
}


def rule_refusals(draft: RuleDraft, others: Collection[str], channel_names: Collection[str]) -> list[Refusal]:
    """``others``: names of the other notification rules; ``channel_names``: the channels that there are."""
    found = name_refusals(draft.name, what="A notification rule")
    if draft.name in others:
        found.append(Refusal(f"A notification rule named {draft.name} exists already.", "name"))
    if not draft.channels:
        found.append(Refusal("Choose at least one channel: without one nobody is told.", "channels"))
    found += [Refusal(f"There is no channel {name}. Create it first, or choose another one.", "channels")
              for name in draft.channels if name not in channel_names]
    found += [Refusal(f"{name} is no category: write {', '.join(AlarmCategory.values)}.", "categories")
              for name in draft.categories if name not in AlarmCategory.values]
    for field in ("conditions", "applications", "hosts", "pairs"):
        found += _of_names(field, getattr(draft, field))
    return found + _of_hours(draft) + _of_numbers(draft)


def _of_names(field: str, names: Collection[str]) -> list[Refusal]:
    label = RULE_LABELS[field]
    if len(names) > MOST_LISTED:
        return [Refusal(f"{label} has {len(names)} names; {MOST_LISTED} fit. Write * for what they have in common.",
                        field)]
    wrong = next((name for name in names if not isinstance(name, str) or not name.strip()
                  or len(name) > LONGEST_NAME or has_control_characters(name)), None)
    return [] if wrong is None else [Refusal(
        f"{label} holds what is no name. Write names of 1 to {LONGEST_NAME} characters.", field)]


def _of_hours(draft: RuleDraft) -> list[Refusal]:
    found = []
    if draft.quiet_hours and hours_of(draft.quiet_hours) is None:
        found.append(Refusal("Quiet Hours cannot be read. Write when they begin and end, as 22:00-06:00.",
                             "quiet_hours"))
    if draft.quiet_hours and not draft.time_zone:
        found.append(Refusal("Quiet Hours need a Time Zone, for example Europe/Berlin.", "time_zone"))
    if draft.time_zone and draft.time_zone not in zone_names():
        found.append(Refusal(f"There is no time zone {draft.time_zone}. Write it as Europe/Berlin or UTC.",
                             "time_zone"))
    return found


def _of_numbers(draft: RuleDraft) -> list[Refusal]:
    bounds = (("wait_s", 0, LONGEST_WAIT_S, "seconds"), ("repeat_h", 0, LONGEST_REPEAT_H, "hours"),
              ("group_s", 0, LONGEST_GROUP_S, "seconds"), ("limit_per_hour", 1, LARGEST_LIMIT, "messages an hour"))
    return [refusal for field, least, most, unit in bounds for refusal in number_refusals(
        getattr(draft, field), field=field, label=RULE_LABELS[field], least=least, most=most, unit=unit)]
