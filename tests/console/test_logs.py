"""The console's log: a refused request is one line."""

import io
import logging

import pytest
from django.core.exceptions import PermissionDenied

from console.logs import NoTraceOfRefusals


@pytest.mark.parametrize(("status", "has_trace"), [(403, False), (404, False), (500, True)])
def test_only_what_went_wrong_has_a_trace(status, has_trace):
    handler = logging.StreamHandler(written := io.StringIO())
    handler.addFilter(NoTraceOfRefusals())
    try:
        raise PermissionDenied("no")
    except PermissionDenied as error:
        record = logging.LogRecord("django.request", logging.WARNING, __file__, 1, "Forbidden: /x", (), (
            type(error), error, error.__traceback__))
    record.status_code = status
    handler.handle(record)
    assert ("Traceback" in written.getvalue()) == has_trace
