"""What an Alarm Condition may say: the refusals of a save. Pure."""

from collections.abc import Collection
from dataclasses import dataclass, replace

from protocol.events import OF_ALARMS, number_in, written
from provisioning.core.text import name_refusals, number_refusals, text_refusals
from provisioning.errors import Refusal
from provisioning.states import AlarmCategory, AlarmSelection, ApplicationType, ReactionVerb

LONGEST_TIMEOUT_H = 24 * 365
EXAMPLE = "for example 00-04504"


@dataclass(frozen=True, kw_only=True)
class ConditionDraft:
    """What somebody wants an Alarm Condition to be. Events are written as pages do or as bare numbers, "" for none;
    ``cancel_timeout`` in hours, 0 for none. ``reactions`` are values of ReactionVerb, ``channels`` names."""

    name: str
    description: str = ""
    category: str = AlarmCategory.MAJOR
    detect_event: str = ""
    selection_mode: str = AlarmSelection.ANY
    application_type: str = ""
    application: str = ""
    cancel_event: str = ""
    cancel_timeout: int = 24
    enabled: bool = True
    reactions: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    clearance_reactions: tuple[str, ...] = ()
    clearance_channels: tuple[str, ...] = ()


LABELS = {
    "name": "Name", "description": "Description", "category": "Category", "detect_event": "Detect Event",
    "selection_mode": "Selection Mode", "application_type": "Application Type", "application": "Application",
    "cancel_event": "Cancel Event", "cancel_timeout": "Cancel Timeout", "enabled": "Enabled",
    "reactions": "Reactions", "channels": "Channels to Tell", "clearance_reactions": "Clearance Reactions",
    "clearance_channels": "Channels to Tell at Clearance",
}
REACTIONS = {"reactions": "channels", "clearance_reactions": "clearance_channels"}
"""{field with what is done: the field with who is told}, of an alarm that was raised and of one that was cleared."""


def event_of(text: str) -> int | None:
    """The number that was typed, 0 for none, None for what is no number of an event."""
    if not text.strip():
        return 0
    try:
        number = number_in(text)
    except ValueError:
        return None
    return number or None


def as_stored(draft: ConditionDraft) -> ConditionDraft:
    """``draft`` in the one spelling in which it is kept: events as pages write them, reactions in the order in which
    they are done. Of what is not chosen nothing is kept: it would come back unseen with another Selection Mode."""
    return replace(
        draft, reactions=_in_order(draft.reactions), clearance_reactions=_in_order(draft.clearance_reactions),
        channels=_each_once(draft.channels), clearance_channels=_each_once(draft.clearance_channels),
        detect_event=_spelled(draft.detect_event), cancel_event=_spelled(draft.cancel_event),
        application_type=draft.application_type if draft.selection_mode == AlarmSelection.TYPE else "",
        application=draft.application.strip() if draft.selection_mode == AlarmSelection.APPLICATION else "")


def _in_order(verbs: Collection[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*(verb for verb in ReactionVerb.values if verb in verbs), *verbs]))


def _each_once(names: Collection[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in names))


def _spelled(event: str) -> str:
    number = event_of(event)
    return event if number is None else written(number)


def refusals(draft: ConditionDraft, others: Collection[str], channel_names: Collection[str] = ()) -> list[Refusal]:
    """``others``: names of the other Alarm Conditions; ``channel_names``: the channels that there are."""
    found = name_refusals(draft.name, what="An Alarm Condition")
    if draft.name in others:
        found.append(Refusal(f"An Alarm Condition named {draft.name} exists already.", "name"))
    found += text_refusals(draft.description, field="description", label="Description", longest=1024)
    if draft.category not in AlarmCategory.values:
        found.append(Refusal("Category is Critical, Major or Minor.", "category"))
    found += _of_events(draft) + _of_selection(draft) + _of_reactions(draft, channel_names)
    return found + number_refusals(draft.cancel_timeout, field="cancel_timeout", label="Cancel Timeout", least=0,
                                   most=LONGEST_TIMEOUT_H, unit="hours")


def _of_events(draft: ConditionDraft) -> list[Refusal]:
    detect, cancel = event_of(draft.detect_event), event_of(draft.cancel_event)
    if detect == 0:
        return [Refusal(f"Detect Event is required: {EXAMPLE}.", "detect_event")]
    found = [Refusal(f"{LABELS[name]} is no event number. Write it as 00-05061 or 5061.", name)
             for name, number in (("detect_event", detect), ("cancel_event", cancel)) if number is None]
    found += [Refusal(f"{LABELS[name]} tells of alarms. Choose another event: none is about another alarm.", name)
              for name, number in (("detect_event", detect), ("cancel_event", cancel)) if number in OF_ALARMS]
    if not found and detect == cancel:
        found.append(Refusal("Cancel Event is the Detect Event. Choose another one.", "cancel_event"))
    return found


def _of_reactions(draft: ConditionDraft, channel_names: Collection[str]) -> list[Refusal]:
    found = []
    for verbs, channels in REACTIONS.items():
        found += [Refusal(f"{LABELS[verbs]} has {verb}: write {', '.join(ReactionVerb.values)}.", verbs)
                  for verb in getattr(draft, verbs) if verb not in ReactionVerb.values]
        found += [Refusal(f"There is no channel {name}. Create it first, or choose another one.", channels)
                  for name in _each_once(getattr(draft, channels)) if name not in channel_names]
    return found


def hints(draft: ConditionDraft, applications: Collection[str]) -> list[str]:
    """What is allowed and still strange, as sentences; ``applications``: names of those that there are."""
    found = []
    if not draft.cancel_timeout and not event_of(draft.cancel_event):
        found.append("Without Cancel Event and Cancel Timeout its alarms end only when somebody clears them.")
    if draft.application and draft.application not in applications and (draft.reactions or draft.clearance_reactions):
        found.append(f"There is no application {draft.application}: nothing is done with it until there is one.")
    return found


def _of_selection(draft: ConditionDraft) -> list[Refusal]:
    match draft.selection_mode:
        case AlarmSelection.ANY:
            return []
        case AlarmSelection.TYPE:
            return [] if draft.application_type in ApplicationType.values else [Refusal(
                "Choose the Application Type whose events count.", "application_type")]
        case AlarmSelection.APPLICATION:
            if not draft.application.strip():
                return [Refusal("Name the Application whose events count.", "application")]
            return text_refusals(draft.application, field="application", label="Application", longest=255)
        case _:
            return [Refusal("Selection Mode is Select By Any, Select By Application Type or Select By Application.",
                            "selection_mode")]
