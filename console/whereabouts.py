"""Whether a command that talks to a Pairwise would find one where it looks. Asked before the settings are read: they
make the data directory and a key in it, and a command that looks in the wrong place leaves nothing there."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from console import kept_databases
from protocol.secret_settings import FILE

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = ROOT / "provisioning/management/commands"
OF_THE_CONSOLE = ("move", "backup")


def why_nothing_is_there(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """The sentence that refuses ``arguments`` (without the program); "" when there is no reason to."""
    name = arguments[0] if arguments else ""
    is_ours = name.isidentifier() and (name in OF_THE_CONSOLE or (COMMANDS / f"{name}.py").exists())
    if not is_ours or {"-h", "--help"} & {*arguments}:
        return ""
    if environment.get("PAIRWISE_DATABASE_URL") or environment.get(f"PAIRWISE_DATABASE_URL{FILE}"):
        return ""
    directory = Path(environment.get("PAIRWISE_DATA_DIR", ROOT / "var")).resolve()
    if (directory / "pairwise.sqlite3").exists() or (directory / kept_databases.FILE).exists():
        return ""
    return (f"There is no Pairwise in {directory}: set PAIRWISE_DATA_DIR to the data directory of yours, or start one "
            "there (./run).")
