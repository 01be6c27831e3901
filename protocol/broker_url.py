"""The broker's URL over TLS. Pure: Celery and redis-py both read how to verify from its query."""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit


def verified(url: str, authority: str = "") -> str:
    """``url`` such that a rediss:// broker is verified: by ``authority`` (a file), "" for those that this machine
    trusts. What the query says already stays; every other URL is as it was."""
    parts = urlsplit(url)
    if parts.scheme != "rediss":
        return url
    # Without ssl_cert_reqs Celery's transport would not speak TLS at all.
    wanted = {"ssl_cert_reqs": "required", **({"ssl_ca_certs": authority} if authority else {})}
    return urlunsplit(parts._replace(query=urlencode(wanted | dict(parse_qsl(parts.query)))))


def unverified(url: str) -> str:
    """``url`` without files of this machine: another one has to say by what it verifies."""
    parts = urlsplit(url)
    if parts.scheme != "rediss":
        return url
    kept = [(name, value) for name, value in parse_qsl(parts.query) if not name.startswith("ssl_")]
    return urlunsplit(parts._replace(query=urlencode(kept)))
