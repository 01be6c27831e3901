"""Lines of a server's log files, asked of its host's agent by way of control."""

from typing import Any

from protocol.log_messages import LINES_MAX, LogRead, ReadLog
from provisioning.broker.secrets import known_secrets
from provisioning.core.control_client import ControlUnavailable, read_log
from provisioning.core.redaction import Redactor
from provisioning.core.text import closed
from provisioning.models import Application

from .facts import Answer, File, Lines, moment
from .rules import without_secrets

NAME_MAX = 4200


def read(row: Application, *, file: str = "", before: int | None = None, after: int | None = None, of: str = "",
         lines: int = LINES_MAX, listing: bool = False, redactor: Redactor | None = None) -> Answer:
    """Lines of a log ``file`` of ``row`` without secrets, or why there are none. The rest is as in ``ReadLog``."""
    # Longer ones are none that an agent has said.
    asked = ReadLog(application=row.name, file=file[:NAME_MAX], before=-1 if before is None else before,
                    after=-1 if after is None else after, of=of[:NAME_MAX], lines=lines, listing=listing)
    try:
        said = read_log(asked)
    except ControlUnavailable as error:
        return Answer(file, trouble=str(error))
    files = [_file(each) for each in said.files]
    name = str(said.page.get("file") or file)
    if not said.ok:
        return Answer(name, files=files, trouble=" ".join(filter(None, (closed(said.reason), closed(said.advice)))))
    return Answer(name, _lines(said, redactor or redactor_of(row)), files)


def redactor_of(row: Application) -> Redactor:
    """Knows the secrets of the application, of the other member of its pair, of their hosts, and of the console."""
    members = [each for each in (row, row.backup_server, getattr(row, "primary_server", None)) if each]
    return Redactor(known_secrets(members, [each.host for each in members if each.host]))


def _lines(said: LogRead, redactor: Redactor) -> Lines:
    page: dict[str, Any] = {**said.page, "written": moment(said.page["written"])}
    cut = frozenset(page.pop("cut"))
    return Lines(**{**page, "lines": without_secrets(page["lines"], cut, redactor)})


def _file(file: dict[str, Any]) -> File:
    return File(**{**file, "written": moment(file["written"])})
