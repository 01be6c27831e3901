"""Mail: the server of PAIRWISE_SMTP_URL, and the headers by which what belongs together stands together. Pure."""

import re
from dataclasses import dataclass, field
from email.utils import parseaddr
from urllib.parse import unquote, urlsplit

from provisioning.notifications.facts import Message
from provisioning.states import Told

SECURITY = {"smtp": ("", 25), "smtp+tls": ("tls", 587), "smtps": ("ssl", 465)}
"""{scheme: (how it is secured, usual port)}: STARTTLS, or TLS from the beginning."""
HOW = "Write smtp+tls://user:password@server (STARTTLS), smtps://… or smtp://…, the password percent-encoded."
MOST_REFERENCES = 20


@dataclass(frozen=True)
class SmtpServer:
    host: str
    port: int
    security: str = ""
    user: str = ""
    password: str = field(default="", repr=False)


def smtp_server(url: str) -> SmtpServer:
    """Raises ValueError with a sentence that has nothing of ``url``, which may hold a password."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ValueError(f"PAIRWISE_SMTP_URL is no address of a mail server. {HOW}") from None
    if parts.scheme not in SECURITY or not parts.hostname:
        raise ValueError(f"PAIRWISE_SMTP_URL is no address of a mail server. {HOW}")
    security, usual = SECURITY[parts.scheme]
    return SmtpServer(parts.hostname, port or usual, security, unquote(parts.username or ""),
                      unquote(parts.password or ""))


def one_line(text: str) -> str:
    """``text`` as the value of a header: no line of it becomes a header of its own."""
    return " ".join(re.sub(r"[\x00-\x1f\x7f\x85\u2028\u2029]", " ", text).split())


def headers_of(message: Message, sender: str) -> dict[str, str]:
    """The first message about an alarm begins a thread that the others are part of."""
    domain = parseaddr(sender)[1].rpartition("@")[2] or "pairwise.invalid"
    threads = " ".join(f"<alarm-{key}@{domain}>" for key in message.alarms[:MOST_REFERENCES])
    found = {"Message-ID": f"<{message.message_id}@{domain}>", "Auto-Submitted": "auto-generated",
             "X-Auto-Response-Suppress": "All"}
    if threads and message.told != Told.TEST:
        found["References"] = threads
    return found
