"""The filter of Jobs."""

from provisioning.forms.filters import FilterForm, Named, choice
from provisioning.states import JobKind, JobState


class JobFilter(FilterForm):
    application = Named("Application", "applications")
    host = Named("Host", "hosts")
    kind = choice("Kind", JobKind.choices)
    state = choice("State", [("active", "Active"), *JobState.choices])
