"""What the pages of docs/integrations/ show, as it stands there."""

import re
import shutil
from collections.abc import Mapping

from tests.sources import ROOT

DOCS = ROOT / "docs"
GUIDES = DOCS / "integrations"


def examples(page: str, language: str) -> list[str]:
    """The blocks of ``page``, a path in docs, that are in ``language``, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", (DOCS / page).read_text(), re.DOTALL | re.MULTILINE)


def settings_of(page: str) -> dict[str, str]:
    """The settings of the console that a page begins with."""
    return dict(line.split("=", 1) for line in examples(page, "sh")[0].splitlines())


def adapted(text: str, changes: Mapping[str, str]) -> str:
    """``text`` with what differs on the machine of a test, each of which has to be there."""
    for said, here in changes.items():
        assert said in text, said
        text = text.replace(said, here)
    return text


def program(name: str) -> str | None:
    """Its path; what Debian keeps for administrators counts, too."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
