"""The Application editor's form: what is typed once. Rows (ports, connections, options) are in rows.py.

Names are those of ApplicationDraft, so that a refusal finds its field. The rules themselves are in
provisioning.applications.rules; here text only becomes values.
"""

from crispy_forms.helper import FormHelper
from django import forms

from provisioning.drafts import NOT_PASSED_ON, REACH_NOBODY, ApplicationDraft
from provisioning.states import RedundancyType
from provisioning.web.fields import Check, Choice, Key, Text, Whole, labelled, told
from provisioning.web.layouts import Part, Picker, Section, arranged


def _shown(label: str, content: str, **more) -> Part:
    """``content`` under ``label``, as a field among fields."""
    return Part("pairwise/layout/shown.html", label=label, content=content, **more)


@labelled(ApplicationDraft)
class ApplicationForm(forms.Form):
    """General and Server Info (domain.md 1.2), in the order of the guide."""

    name = Text(
        must=True, help_text="Unique over all applications; the server is started with it as -app.",
        rule="At most 255 characters, no blanks at the ends. It changes only while the application is stopped, because "
             "a running server holds its name at the Configuration Server.")
    template_id = Key(
        must=True, help_text="Fixes Type and proposes Version, options and ports.",
        rule="It is chosen when the application is created and stays. Another template means another application.")
    enabled = Check(initial=True,
                    help_text="A disabled application cannot be started or connect to the Configuration Server.")
    tenants = Text(initial="Environment",
                   help_text="Tenants that this server serves. Default: Environment.")
    description = Text(help_text="For people; nothing reads it.")

    host_id = Key(must=True, help_text="The machine that this server runs on.",
                  rule="It changes only while the server is stopped and not tied to a primary.")
    working_directory = Text(
        must=True, initial=".", mono=True,
        help_text="Absolute path on the Host, or \".\": Install fills it in.",
        rule="Two applications on one Host need different directories.")
    command_line = Text(must=True, initial=".", mono=True,
                        help_text="The program, or \".\": Install fills it in.")
    command_line_arguments = Text(
        mono=True, help_text="Leave blank: Install fills it in.",
        rule="A server needs -host and -port of the Configuration Server and -app with its exact name.")
    startup_timeout = Whole(initial=90, unit="s",
                            help_text="A start has failed when the server is not ready by then. Default: 90.")
    shutdown_timeout = Whole(initial=90, unit="s",
                             help_text="A server that has not stopped by then is killed. Default: 90.")
    auto_restart = Check(
        initial=True, help_text="Start again after a failure; never after a planned stop.",
        rule="Recommended for both members of a pair, so that a failed one comes back as backup.")
    backup_server_id = Key(
        help_text="The other member of the pair. It is set on the primary only.",
        rule="Same type, same account, not itself, backup of no other primary and without a backup of its own.")
    redundancy_type = Choice(
        choices=RedundancyType, initial=RedundancyType.NOT_SPECIFIED,
        help_text="Message Servers: Warm Standby when there is a Backup Server.",
        rule="It changes only while both members are stopped.")
    reconnect_timeout = Whole(initial=10, unit="s",
                              help_text="How long a client is to wait before it reconnects. Default: 10.")
    reconnect_attempts = Whole(initial=1,
                               help_text="Attempts that a client is to make on this server before it tries the Backup "
                                         "Server. Default: 1.")
    log_on_as = Text(initial="SYSTEM",
                     help_text="Account that the server runs as; SYSTEM: that of the agent, which may be root. "
                               "Default: SYSTEM.",
                     rule="Both members of a pair run under the same account.")

    START = ("working_directory", "command_line", "command_line_arguments", "startup_timeout", "shutdown_timeout",
             "auto_restart", "log_on_as")
    shown_only: tuple[str, ...] = ()
    """Fields that cannot be changed now: the page shows their value (SHOWN)."""

    def __init__(self, *args, **kwargs):
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for name in ("tenants", "log_on_as", "redundancy_type"):
            self.fields[name].widget.attrs["class"] += " medium"
        for name in ("name", "working_directory", "command_line"):
            self.fields[name].widget.attrs["aria-required"] = "true"
        for name in self.fields.keys() & set(REACH_NOBODY):
            self.fields[name].help_text += f" {NOT_PASSED_ON}"

    @property
    def helper(self) -> FormHelper:
        template = _shown("Application Template", "applications/_template.html", stands_for="template_id")
        tenants = _shown("Tenants", "applications/_tenants.html", stands_for="tenants")
        return arranged(
            Section("General", "name",
                    template if "template_id" in self.shown_only else Picker("template_id", "browse-templates"),
                    Part("applications/_kind.html"), "enabled", tenants if "tenants" in self.shown_only else "tenants",
                    "description"),
            Section("Server Info", Picker("host_id", "browse-hosts"),
                    _shown("Listening Ports", "applications/_ports.html", name="ports"), *self.START,
                    Part("pairwise/layout/subhead.html", label="Redundancy"),
                    Picker("backup_server_id", "browse-applications"), "redundancy_type",
                    _shown("Primary", "applications/_primary.html"), "reconnect_timeout", "reconnect_attempts"),
            Section("Connections", Part("applications/_rows_connections.html"), css="body"), summary=False)

    def ask_nothing_of_a_server(self) -> None:
        """Of a type that is no server Host, Working Directory and Command Line are not required."""
        for name in ("host_id", "working_directory", "command_line"):
            told(self.fields[name]).must = False
            self.fields[name].widget.attrs.pop("aria-required", None)

    def values(self, template_id: int | None = None) -> dict:
        """What was typed as keyword arguments of ApplicationDraft; ``template_id`` overrides (it is fixed later)."""
        values = {name: self.cleaned_data[name] for name in self.fields}
        if template_id is not None:
            values["template_id"] = template_id
        return values

    @classmethod
    def initial_of(cls, draft: ApplicationDraft) -> dict:
        return {name: getattr(draft, name) for name in cls.base_fields}
