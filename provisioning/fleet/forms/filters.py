"""The filter of Applications."""

from provisioning.web.filters import FilterForm, Named


class ApplicationFilter(FilterForm):
    """Of the list of applications what its template does not write out itself."""

    host = Named("Host", "hosts")
