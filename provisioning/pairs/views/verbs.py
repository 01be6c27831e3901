"""The verbs of the Pair page: dialogs that say what follows, services that act, messages that say what was done."""

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib import messages
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from protocol.pair_messages import PairAnswer
from provisioning.accounts.views.confirmed import asked_first
from provisioning.core.permissions import ACCEPT_LOSS, actor_of
from provisioning.errors import Refused
from provisioning.pairs.forms.verbs import PauseForm, PromoteForm, ReasonForm
from provisioning.pairs.rules.story import follows
from provisioning.pairs.services import pairs as services
from provisioning.web.answers import dialog, done
from provisioning.web.pages import page, refuse

from .page import NEEDS, PairPage


@dataclass(frozen=True)
class Verb:
    """``title`` and ``label`` may name the {active} and the {standby} member, and so does ``server``, who is to be
    promoted; ``said`` makes the message of what was done out of control's answer."""

    title: str
    label: str
    form: type[ReasonForm]
    work: Callable[..., PairAnswer]
    said: Callable[[PairPage, PairAnswer], str]
    danger: bool = False
    server: str = ""


def _switched(pair: PairPage, answer: PairAnswer) -> str:
    facts = answer.facts
    ms = facts.get("took_ms") or 0
    took = f" It took {ms / 1000:.1f} s." if ms >= 100 else f" It took {ms:.0f} ms." if ms else ""
    return f"{facts.get('active', 'The standby')} serves now, in epoch {facts.get('epoch', '?')}.{took}"


def _both(pair: PairPage) -> str:
    return " and ".join(row.name for row in pair.members)


VERBS = {
    "switchover": Verb("Switch over to {standby}?", "Switch Over", ReasonForm, services.switch_over, _switched),
    "pause": Verb("Pause automatic failover?", "Pause automatic failover", PauseForm, services.pause_failover,
                  lambda pair, _: f"Automatic failover of {_both(pair)} is paused."),
    "resume": Verb("Resume automatic failover?", "Resume automatic failover", ReasonForm, services.resume_failover,
                   lambda pair, _: f"Automatic failover of {_both(pair)} is on again."),
    "promote": Verb("Promote {standby} and give up messages?", "Promote {standby}", PromoteForm, services.promote,
                    _switched, danger=True, server="{standby}"),
    "promote-active": Verb("Promote {active} with the store it has now?", "Promote {active}", PromoteForm,
                           services.promote, _switched, danger=True, server="{active}"),
}


@require_http_methods(["GET", "HEAD", "POST"])
@page()
def pair_verb(request, pk: int, verb: str):
    """Ask first, naming what is hit; then do it and wait for control's answer."""
    actor = actor_of(request)
    actor.require(NEEDS[verb])
    if NEEDS[verb] == ACCEPT_LOSS and (asks := asked_first(request)):
        return asks
    pair, what = PairPage(request, pk), VERBS[verb]
    if pair.backup is None:
        raise Refused(pair.why_not[verb])
    form = _form(pair, what, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            whom = {"server": what.server.format(**_names(pair))} if what.server else {}
            answer = what.work(actor=actor, application_id=pk, **form.cleaned_data, **whom)
            messages.success(request, what.said(pair, answer))
            if answer.facts.get("unrecorded"):
                messages.warning(request, answer.facts["unrecorded"])
            return done(request, reverse("pair-detail", args=[pk]))
        except Refused as error:
            refuse(form, error)
    return ask(request, pair, verb, form)


def _form(pair: PairPage, what: Verb, data=None) -> ReasonForm:
    if what.form is PromoteForm:
        return PromoteForm(data, lost=_names(pair)["active"])
    return what.form(data)


def ask(request, pair: PairPage, verb: str, form: ReasonForm | None = None):
    """The dialog of ``verb``: what is hit, what follows, why it cannot be done now."""
    what = VERBS[verb]
    form = form or _form(pair, what)
    return dialog(request, "pairs/ask.html", what.title.format(**_names(pair)), {
        "address": reverse(f"pair-{verb}", args=[pair.pk]), "pair": pair, "form": form,
        "follows": follows(verb, pair.facts), "label": what.label.format(**_names(pair)),
        "danger": what.danger, "why_not": pair.why_not.get(verb, "")}, status=422 if form.is_bound else 200)


def _names(pair: PairPage) -> dict[str, str]:
    active, standby = pair.facts.by_role
    return {"active": active.name, "standby": standby.name}
