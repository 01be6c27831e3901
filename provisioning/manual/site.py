"""The documentation as pages in a directory: the same as in the console, for a web server or a browser without one."""

import shutil
from pathlib import Path

from django.conf import settings
from django.template.loader import render_to_string

from provisioning.errors import Refused
from provisioning.web.styles import GROUPS

from . import pages
from .facts import relative
from .selectors import all_headings, chapters, files

STYLES = (*GROUPS["ground"], *GROUPS["manual"])


def write(directory: Path) -> int:
    """Write every page, and what the pages need, into ``directory``; returns how many pages. Of what is there already
    only files of the same name are replaced. Raises Refused for links that lead nowhere, OSError."""
    documents = [pages.of_document(chapter) for chapter in chapters().values()]
    broken = [f"{shown['chapter'].path}: {target} leads nowhere." for shown in documents
              for target in shown["document"].broken]
    if broken:
        raise Refused(*broken)
    for shown in documents:
        _page(directory, shown["chapter"].address, "manual/site.html", shown)
    _page(directory, pages.SEARCH, "manual/site_headings.html", pages.of_search(all_headings()))
    for address, path in files().items():
        _copy(path, directory / address)
    for name in STYLES:
        _copy(settings.BASE_DIR / "static" / name, directory / name)
    return len(documents) + 1


def _page(directory: Path, address: str, template: str, context: dict) -> None:
    target = directory / address
    target.parent.mkdir(parents=True, exist_ok=True)
    styles = [relative(name, address) for name in STYLES]
    target.write_text(render_to_string(template, context | {"style_files": styles}))


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
