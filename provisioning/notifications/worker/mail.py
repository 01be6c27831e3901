"""E-mail, by the server of PAIRWISE_SMTP_URL."""

import smtplib
import socket
from html import escape
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.smtp import EmailBackend

from provisioning.core.redaction import Redactor
from provisioning.notifications.facts import Answer, Message, Recipient
from provisioning.notifications.rules.kinds import listed
from provisioning.notifications.rules.mail import SmtpServer, headers_of, one_line, smtp_server

from .cut import Cut

TIMEOUT_S, WHOLE_S = 10.0, 30.0
NO_SERVER = ("No mail server is set. Set PAIRWISE_SMTP_URL and PAIRWISE_MAIL_FROM for the processes of Pairwise and "
             "restart them (docs/notifications.md).")


def send(recipient: Recipient, message: Message) -> Answer:
    if not settings.PAIRWISE_SMTP_URL:
        return Answer(False, NO_SERVER)
    try:
        server = smtp_server(settings.PAIRWISE_SMTP_URL)
    except ValueError as error:
        return Answer(False, str(error))
    mail = EmailMultiAlternatives(
        subject=one_line(f"[Pairwise] {message.subject}"), body=f"{message.text}\n",
        from_email=settings.PAIRWISE_MAIL_FROM, to=listed(recipient.fields["to"]),
        headers=headers_of(message, settings.PAIRWISE_MAIL_FROM))
    mail.attach_alternative(f"<html><body><pre>{escape(message.text)}</pre></body></html>", "text/html")
    backend = _Backend(host=server.host, port=server.port, username=server.user, password=server.password,
                       use_tls=server.security == "tls", use_ssl=server.security == "ssl", timeout=TIMEOUT_S)
    try:
        return _sent(backend, mail, server)
    finally:
        if backend.connection is not None:
            backend.connection.close()


def _sent(backend: "_Backend", mail: EmailMultiAlternatives, server: SmtpServer) -> Answer:
    try:
        backend.send_messages([mail])
    except smtplib.SMTPResponseException as error:
        said = error.smtp_error.decode(errors="replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
        return Answer(False, Redactor([server.password]).exact(
            f"The mail server refused it: {error.smtp_code} {said}"))
    except smtplib.SMTPRecipientsRefused as error:
        return Answer(False, f"The mail server refused its recipients: {', '.join(sorted(error.recipients))}")
    except (smtplib.SMTPException, OSError) as error:
        return Answer(False, f"The mail server {server.host} at port {server.port} did not take it: "
                      f"{error or type(error).__name__}")
    refused = ", ".join(sorted(backend.refused))
    # Sent again it would come twice to all others.
    return Answer(True, f"The mail server {server.host} took it{f', but not for {refused}' if refused else ''}.")


class _Bounded:
    """All of one conversation within WHOLE_S, however often the server says a little."""

    _cut: Cut | None = None
    refused: tuple[str, ...] = ()

    def _get_socket(self, *args: Any) -> socket.socket:
        sock = super()._get_socket(*args)  # type: ignore[misc]
        self._cut = Cut(sock, WHOLE_S)
        self._cut.start()
        return sock

    def sendmail(self, *args: Any, **kwargs: Any) -> dict[str, tuple[int, bytes]]:
        """As that of smtplib; ``refused`` are those of several recipients that were, which nobody else asks for."""
        refused = super().sendmail(*args, **kwargs)  # type: ignore[misc]
        self.refused = tuple(refused)
        return refused

    def close(self) -> None:
        if self._cut is not None:
            self._cut.stop()
        super().close()  # type: ignore[misc]


class _Plain(_Bounded, smtplib.SMTP):
    pass


class _Secured(_Bounded, smtplib.SMTP_SSL):
    pass


class _Backend(EmailBackend):
    refused: tuple[str, ...] = ()

    def _send(self, email_message: Any) -> bool:
        sent: bool = super()._send(email_message)  # type: ignore[misc]  # one that the stubs do not know
        self.refused = getattr(self.connection, "refused", ())
        return sent

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _Secured if self.use_ssl else _Plain
