"""The dialogs of Clone and Install."""

from django.contrib import messages
from django.urls import reverse

from provisioning.applications.services import applications as services
from provisioning.core.permissions import CONFIGURE, INSTALL, actor_of
from provisioning.errors import Refused
from provisioning.fleet.forms.actions import CloneForm, InstallForm
from provisioning.jobs.selectors.readiness import why_not
from provisioning.verbs.services import jobs
from provisioning.verbs.services.log_on import proposed
from provisioning.web.answers import dialog, done, sentence


def clone_dialog(request, row, form: CloneForm | None = None):
    actor_of(request).require(CONFIGURE)
    form = form or CloneForm(initial={"name": f"{row.name}_copy"})
    return dialog(request, "fleet/clone.html", f"Clone {row.name}", {"row": row, "form": form},
                  status=422 if form.is_bound else 200)


def clone(request, row):
    form = CloneForm(request.POST)
    try:
        if form.is_valid():
            copy = services.clone_application(actor=actor_of(request), application_id=row.pk,
                                              name=form.cleaned_data["name"])
            messages.success(request, f"{copy.name} was created from {row.name}. Check its ports"
                                      f"{', then Install it' if copy.is_runnable else ''}.")
            return done(request, reverse("application-edit", args=[copy.pk]), leave=True)
    except Refused as error:
        for refusal in error.refusals:
            form.add_error("name", sentence(refusal))
    return clone_dialog(request, row, form)


def install_dialog(request, row, form: InstallForm | None = None):
    actor, found = actor_of(request), proposed(row)
    actor.require(INSTALL)
    initial = {"path": "", "log_on_as": found.account if found else row.log_on_as, "seen": row.log_on_as}
    shown = form or InstallForm(initial=initial)
    return dialog(request, "fleet/install.html", f"Install {row.name}", {
        "row": row, "form": shown if actor.may(CONFIGURE) else shown.without_account(),
        "why_not": why_not([row], ["install"])[row.pk].get("install"), "proposal": found,
    }, status=422 if form else 200)


def install(request, row):
    form = InstallForm(request.POST)
    try:
        if form.is_valid():
            job = jobs.install_application(actor=actor_of(request), application_id=row.pk,
                                           path=form.cleaned_data["path"],
                                           log_on_as=form.cleaned_data["log_on_as"].strip(),
                                           seen_account=form.cleaned_data["seen"] or None)
            return done(request, reverse("job-detail", args=[job.pk]), leave=True)
    except Refused as error:
        for refusal in error.refusals:
            if refusal.field == "log_on_as":
                form.has_seen(row.log_on_as)
            form.add_error(refusal.field if refusal.field in form.fields else None, sentence(refusal))
    return install_dialog(request, row, form)
