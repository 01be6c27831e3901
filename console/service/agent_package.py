"""The package ``pairwise-agent``: the agent that hosts fetch, for hosts that get programs as packages only."""

from collections.abc import Iterator
from pathlib import Path

from console.service import deb
from console.service.tree import File
from hostagent import bundle
from hostagent.bundled import PACKAGER
from hostagent.enrol import PACKAGE
from hostagent.join import DIRECTORY
from hostagent.packaged import COMMAND, NAME

JOIN = f"""#!/bin/sh
# Joins this machine to a console; the token comes by standard input (docs/hosts.md).
exec /usr/bin/python3 -I {DIRECTORY}/{PACKAGE}/packaged.py join "$@"
"""


def about(content: dict[str, bytes]) -> deb.Package:
    needs = bundle.needs(content)
    python = f"python{needs['python_exact']}" if needs["python_exact"] else f"python3 (>= {needs['python_least']})"
    return deb.Package(
        name=NAME, architecture=deb.architecture() if needs["machine"] else "all", scripts=deb.scripts_of(NAME),
        depends=(python, "passwd", "libc6"), summary="agent of Pairwise for hosts of Message Servers",
        description="Starts and watches the Message Servers of this machine for a console, which it joins by a token.")


def files(content: dict[str, bytes]) -> Iterator[File]:
    """With paths below /."""
    home = f"{DIRECTORY.relative_to('/')}/{PACKAGE}"
    for name, data in sorted((content | {"packaged.py": PACKAGER.encode()}).items()):
        yield File(f"{home}/{name}", data)
    yield File(str(COMMAND.relative_to("/")), JOIN.encode(), runs=True)


def build(directory: Path) -> Path:
    """Its path in ``directory``. Raises deb.CannotBuild, bundle.Damaged, OSError."""
    content = bundle.files()
    return deb.write(directory, about(content), files(content))
