"""The whole Application editor as one value: the form, its rows, and where every refusal belongs."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from provisioning.core.text import key_of
from provisioning.drafts import ApplicationDraft, ConnectionDraft, PortDraft
from provisioning.errors import Refusal
from provisioning.models import Application, ApplicationTemplate
from provisioning.web.reasons import ChangeReasonForm

from .applications import ApplicationForm
from .rows import OptionRow, Row, table_of

ROWS = {"ports": "Listening Port", "connections": "Connection"}
TABLES = {"options": "option", "annex": "annex"}
"""{field of a draft: what its rows are called on the page}."""


@dataclass
class Editor:
    """What the editor shows. ``filled_from`` is the template whose options and ports a new object was given.

    ``summary``: (label, message, id of the element it belongs to or "", tab) of every error. ``elsewhere``: what
    belongs to a whole table, or ("form") to none of its parts.
    """

    form: ApplicationForm
    application: Application | None = None
    revision: int = 0
    ports: list[Row[PortDraft]] = field(default_factory=list)
    connections: list[Row[ConnectionDraft]] = field(default_factory=list)
    options: list[OptionRow] = field(default_factory=list)
    annex: list[OptionRow] = field(default_factory=list)
    filled_from: int | None = None
    summary: list[tuple] = field(default_factory=list)
    elsewhere: dict[str, list] = field(default_factory=lambda: {
        place: [] for place in ("form", *ROWS, *TABLES.values())})
    blank: OptionRow = field(default_factory=lambda: OptionRow("", "", ""))
    tab: str = "configuration"
    reason: ChangeReasonForm = field(default_factory=ChangeReasonForm)

    @property
    def is_new(self) -> bool:
        return self.application is None

    @property
    def template_id(self) -> int | None:
        if self.application is not None:
            return self.application.template_id
        return key_of(self.form["template_id"].value())

    @property
    def template(self) -> ApplicationTemplate | None:
        return ApplicationTemplate.objects.filter(pk=self.template_id).first() if self.template_id else None

    def is_valid(self) -> bool:
        """True when every text became a value; fills ``summary`` with what did not."""
        ok = self.form.is_valid()
        for name, errors in self.form.errors.items():
            self.summary += [(self.form[name].label, error, f"id_{name}", "configuration") for error in errors]
        for label, rows in ((label, getattr(self, kind)) for kind, label in ROWS.items()):
            self.summary += [(f"{label} {index}", error, f"row-{row.token}", "configuration")
                             for index, row in enumerate(rows, 1) for error in row.errors]
        for name, rows in (("option", self.options), ("annex", self.annex)):
            self.summary += [(f"[{row.section}] {row.key}", error, f"{name}-{row.token}", "options")
                             for row in rows for error in row.errors]
        self.summary += [("Reason for this change", error, "change_reason", self.tab)
                         for error in self.reason.errors.get("reason", ())]
        return ok and not self.summary

    def draft(self) -> ApplicationDraft:
        """Only after ``is_valid``. Options of a new object whose template was never filled in are left to it."""
        unfilled = self.is_new and self.filled_from != self.template_id
        return ApplicationDraft(
            **self.form.values(template_id=self.template_id),
            ports=None if unfilled and not self.ports else tuple(
                row.draft for row in self.ports if row.draft),
            connections=tuple(row.draft for row in self.connections if row.draft),
            options=None if unfilled and not self.options else table_of(self.options), annex=table_of(self.annex),
        )

    def draft_so_far(self) -> ApplicationDraft:
        """After ``is_valid`` said no: what became a value, so that the rules see it before the rest is corrected."""
        values = {name: value for name, value in self.form.cleaned_data.items() if name != "template_id"}
        good = {name: [row for row in getattr(self, name) if not row.errors] for name in ("options", "annex")}
        return ApplicationDraft(**{
            "name": "", **values, "template_id": self.template_id,
            "ports": tuple(row.draft for row in self.ports if row.draft),
            "connections": tuple(row.draft for row in self.connections if row.draft),
            "options": table_of(good["options"]), "annex": table_of(good["annex"]),
        })

    def refuse(self, refusals: Iterable[Refusal], say) -> None:
        """Put every refusal beside its field or row; ``say`` makes HTML of one, with links.

        What is wrong there already is not said again: the rules have seen another value in its place, or none."""
        wrong = set(self.form.errors) | {kind for kind in ROWS if any(row.errors for row in getattr(self, kind))}
        rows = {kind: [row for row in getattr(self, kind) if row.draft] for kind in ROWS}
        for refusal in refusals:
            if refusal.field in wrong:
                continue
            label, place, tab = self._place(refusal, say(refusal), rows)
            self.summary.append((label, say(refusal), place, tab))

    def checked(self, touched: set[str]) -> list[tuple[str, list]]:
        """(place on the page, what is wrong there now) of the fields that were ``touched``, of every row that says
        enough to be judged, and of the rest."""
        fields = [(f"id_{name}", self.form[name].errors) for name in self.form.fields if name in touched]
        rows = [(f"row-{row.token}", row.errors) for kind in ROWS for row in getattr(self, kind)]
        options = [(f"{name}-{row.token}", row.errors) for kind, name in TABLES.items()
                   for row in getattr(self, kind) if row.is_whole]
        return [*fields, *rows, *options, *self.elsewhere.items()]

    def _place(self, refusal: Refusal, text, rows: dict[str, list[Row]]) -> tuple[str, str, str]:
        """(label, element id, tab) of the field of a refusal, with ``text`` put there; ``rows`` are those of the
        draft that was refused."""
        kind, _, rest = refusal.field.partition(".")
        if refusal.field in self.form.fields:
            self.form.add_error(refusal.field, text)
            return str(self.form[refusal.field].label), f"id_{refusal.field}", "configuration"
        if kind in ROWS:
            label, index = ROWS[kind], rest.partition(".")[0]
            if index.isdecimal() and int(index) < len(rows[kind]):
                row = rows[kind][int(index)]
                row.errors.append(text)
                return f"{label} {getattr(self, kind).index(row) + 1}", f"row-{row.token}", "configuration"
            self.elsewhere[kind].append(text)
            return f"{label}s", kind, "configuration"
        if kind in TABLES:
            return self._place_option(kind, rest, text)
        self.elsewhere["form"].append(text)
        return "", "", "configuration"

    def _place_option(self, kind: str, rest: str, text) -> tuple[str, str, str]:
        name = TABLES[kind]
        for row in getattr(self, kind):
            if rest in (f"{row.section}.{row.key}", row.section):
                row.errors.append(text)
                return f"[{row.section}] {row.key}", f"{name}-{row.token}", "options"
        self.elsewhere[name].append(text)
        return kind.title(), name, "options"
