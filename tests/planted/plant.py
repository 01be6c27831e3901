"""A world with a secret of every kind, each put in by the service or form that people use."""

import secrets
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.conf import settings
from django.contrib.auth.models import User

from provisioning.accounts.rules.factors import CODE_STEP_S
from provisioning.accounts.services import factors
from provisioning.applications.selectors.applications import application_draft, get_application
from provisioning.applications.services import applications
from provisioning.core.authority import Authority
from provisioning.core.permissions import Actor
from provisioning.keys import keys
from provisioning.models import ApiToken
from provisioning.notifications.facts import Answer
from provisioning.notifications.rules.drafts import ChannelDraft
from provisioning.notifications.services import channels
from provisioning.notifications.worker import outbox, transports
from provisioning.shipping.services import targets
from provisioning.shipping.worker import cursor, ways
from provisioning.verbs.services import jobs
from tests import factories
from tests.certificates import Certificates
from tests.provisioning.walk import World

MADE_UP = ("client password", "former client password", "option", "annex", "person's password", "mistyped password",
           "password typed as a name", "SSH password", "SSH key", "SSH passphrase", "broker password", "webhook secret",
           "audit token")
"""Secrets that a person types somewhere; the others are made by the console."""


class PlantedWorld(World):
    """``secrets`` are {what it is: the secret}."""

    def __init__(self):
        super().__init__()
        self.secrets = {name: f"planted+{secrets.token_urlsafe(18)}/&" for name in MADE_UP}
        self.stopped, self.other = (factories.make_application(name, host=self.primary.host, installed=True)
                                    for name in ("MS_Stopped", "MS_Other"))
        self._type_options()
        self.secrets["chat webhook"] = secrets.token_urlsafe(18)
        self._type_channels()
        self._type_target()
        enrolment = self.primary.host.enrolments.first()
        person = User.objects.create_user("planted", password=self.secrets["person's password"])
        made = Authority(settings.PAIRWISE_TLS_DIR)
        made.provide(("localhost",))
        self.secrets |= {
            "application secret": self.primary.secret, "other application secret": self.backup.secret,
            "host secret": self.primary.host.secret, "join token": enrolment.token, "nonce of a token": enrolment.nonce,
            "password hash": person.password, "secret key": settings.SECRET_KEY,
            "token of the wall display": self.objects["token"], "API token": self.objects["text of a token"],
            "secret of the API token": self.objects["text of a token"].rpartition("_")[2],
            "digest of the API token": ApiToken.objects.get().digest,
            "audit target's key": self.target_key,
            "console's TLS key": _body(made.console_key), "authority's key": _body(made.key),
            **{f"session of {who}": key for who, key in self.sessions.items()}, **self._factor(person)}

    @staticmethod
    def _factor(person: User) -> dict[str, str]:
        """An authenticator app, with the seed of its recovery codes."""
        secret = factors.new_secret()
        code = format_hotp_value(hotp_value(secret, int(time.time()) // CODE_STEP_S))
        factors.add_app(actor=Actor(name=person.username, user_id=person.pk), secret=secret, code=code)
        stored = Authenticator.objects.get(user=person, type="recovery_codes").data["seed"]
        return {"secret of an app": secret, "seed of recovery codes": keys().decrypt(stored)}

    def _type_options(self) -> None:
        """The client password and what else people type, changed once, so that History has both."""
        for client in ("former client password", "client password"):
            draft = application_draft(get_application(self.primary.pk))
            applications.update_application(
                actor=factories.ADMINISTRATOR, application_id=self.primary.pk,
                revision=get_application(self.primary.pk).revision, draft=replace(
                    draft, options={"clients": {"publisher": self.secrets[client]},
                                    "log": {"verbose": "all", "db-password": self.secrets["option"]}},
                    annex={"security": {"api-key": self.secrets["annex"]}}))

    def _type_channels(self) -> None:
        """One that signs, and one whose address is the secret, each saved once more as it is shown."""
        for name, kind, fields in (
                ("hook", "webhook", {"url": "https://192.0.2.80/", "secret": self.secrets["webhook secret"]}),
                ("chat", "slack", {"url": f"https://hooks.slack.com/services/T1/B1/{self.secrets['chat webhook']}"})):
            row = channels.create_channel(actor=factories.ADMINISTRATOR, draft=ChannelDraft(
                name=name, kind=kind, fields=fields))
            channels.update_channel(actor=factories.ADMINISTRATOR, channel_id=row.pk, draft=replace(
                channels.draft_of(row), description="Of the shift."))
            self.answers(row, fields)

    def _type_target(self) -> None:
        """One with a token and a key, saved once more as it is shown, and tested where somebody repeats all of it."""
        with TemporaryDirectory() as directory:
            certificate, key = (each.read_text() for each in Certificates(Path(directory)).issue("console"))
        self.target_key = key.splitlines()[2]
        row = targets.create_target(actor=factories.ADMINISTRATOR, draft=targets.TargetDraft(
            name="planted", address="https://192.0.2.80/", certificate=certificate, key=key,
            token=self.secrets["audit token"]))
        targets.update_target(actor=factories.ADMINISTRATOR, target_id=row.pk, draft=replace(
            targets.draft_of(row), description="Of the shift."))
        said = f"No: {self.secrets['audit token']} {key}"
        with patch.object(ways, "post", lambda *_: Answer(False, said, 400)):
            made = targets.test_target(actor=factories.ADMINISTRATOR, target_id=row.pk)
            cursor.record(row.pk, cursor.Batch(None), made.outcome)
        assert made.outcome.said.startswith("It answered 400: No: ")

    @staticmethod
    def answers(row, fields) -> None:
        """Somebody at the other end repeats what he should keep to himself."""
        delivery = factories.make_delivery(row)
        taken = outbox.take(row.pk)
        with patch.object(transports, "transport_of", lambda kind: lambda *_: Answer(False, f"No: {fields}", 400)):
            outbox.record(taken, outbox.tried(taken))
        assert delivery.tries.get().answer.startswith("No: ")

    def begin_jobs(self) -> None:
        """Jobs of both members, handed to the broker when the transaction is over."""
        jobs.stop_application(actor=factories.ADMINISTRATOR, application_id=self.primary.pk)
        jobs.check_start_files(actor=factories.ADMINISTRATOR, application_id=self.backup.pk)


def _body(file) -> str:
    """A line from the middle of a PEM file: the key itself."""
    return file.read_text().splitlines()[2]
