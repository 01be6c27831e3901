"""What hosts and machines that join send."""

import json
import time

from django.urls import reverse

from protocol import auth


def signed(host, path, *, method="GET", body=None, secret=None, at=None):
    """Headers of a request with the signature of ``host``."""
    return auth.request_headers(secret or host.secret, host=host.name, method=method, path=path,
                                at=time.time() if at is None else at,
                                body=b"" if body is None else json.dumps(body).encode())


def bearer(row):
    return {"Authorization": f"Bearer {row.token}"}


def exchange(client, row, **headers):
    return client.post(reverse("join-exchange"), {"python": "3.11.2"}, content_type="application/json",
                       headers={**bearer(row), **headers})
