"""A world with a secret of every kind, each put in by the service or form that people use."""

import secrets
from dataclasses import replace

from django.conf import settings
from django.contrib.auth.models import User

from provisioning.applications.selectors.applications import application_draft, get_application
from provisioning.applications.services import applications
from provisioning.core.authority import Authority
from provisioning.verbs.services import jobs
from tests import factories
from tests.provisioning.walk import World

MADE_UP = ("client password", "former client password", "option", "annex", "person's password", "mistyped password",
           "password typed as a name", "SSH password", "SSH key", "SSH passphrase", "broker password")
"""Secrets that a person types somewhere; the others are made by the console."""


class PlantedWorld(World):
    """``secrets`` are {what it is: the secret}."""

    def __init__(self):
        super().__init__()
        self.secrets = {name: f"planted+{secrets.token_urlsafe(18)}/&" for name in MADE_UP}
        self.stopped, self.other = (factories.make_application(name, host=self.primary.host, installed=True)
                                    for name in ("MS_Stopped", "MS_Other"))
        self._type_options()
        enrolment = self.primary.host.enrolments.first()
        person = User.objects.create_user("planted", password=self.secrets["person's password"])
        made = Authority(settings.PAIRWISE_TLS_DIR)
        made.provide(("localhost",))
        self.secrets |= {
            "application secret": self.primary.secret, "other application secret": self.backup.secret,
            "host secret": self.primary.host.secret, "join token": enrolment.token, "nonce of a token": enrolment.nonce,
            "password hash": person.password, "secret key": settings.SECRET_KEY,
            "token of the wall display": self.objects["token"],
            "console's TLS key": _body(made.console_key), "authority's key": _body(made.key),
            **{f"session of {who}": key for who, key in self.sessions.items()}}

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

    def begin_jobs(self) -> None:
        """Jobs of both members, handed to the broker when the transaction is over."""
        jobs.stop_application(actor=factories.ADMINISTRATOR, application_id=self.primary.pk)
        jobs.check_start_files(actor=factories.ADMINISTRATOR, application_id=self.backup.pk)


def _body(file) -> str:
    """A line from the middle of a PEM file: the key itself."""
    return file.read_text().splitlines()[2]
