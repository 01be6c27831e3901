"""The filter of Jobs."""

from provisioning.states import JobKind, JobState
from provisioning.web.filters import FilterForm, Named, choice


class JobFilter(FilterForm):
    application = Named("Application", "applications")
    host = Named("Host", "hosts")
    kind = choice("Kind", JobKind.choices)
    state = choice("State", [("active", "Active"), *JobState.choices])
