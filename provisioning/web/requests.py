"""What middleware of this console adds to a request."""

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails


class Request(HttpRequest):
    """As a view gets it; it is for annotations, as nobody makes one."""

    htmx: HtmxDetails
    was_refused: bool
    """A message of this request was an error (``saved.Messages``)."""
