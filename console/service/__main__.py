"""``./run install-service`` and ``./run package``; ``settle`` is for the package's own scripts."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from console.service import layout, machine, plan, tree
from console.service.agent_package import build as build_agent
from console.service.deb import CannotBuild
from console.service.environment import DIRECTORY_LOCK, LOCK, NotAsLocked
from console.service.package import build as build_console
from hostagent.bundle import Damaged

OK, REFUSED, INTERRUPTED = 0, 2, 130


class _Refused(Exception):
    """The text is a sentence."""


def main(arguments: Sequence[str]) -> int:
    options = options_of(arguments)
    try:
        options.work(options)
    except (_Refused, machine.CannotDo, NotAsLocked, Damaged, CannotBuild) as error:
        print(error, file=sys.stderr)
        return REFUSED
    except OSError as error:
        print(f"This could not be done ({error}). Correct that, then run the command again.", file=sys.stderr)
        return REFUSED
    except KeyboardInterrupt:
        print("It was broken off. Run the command again: it goes on from there.", file=sys.stderr)
        return INTERRUPTED
    return OK


def options_of(arguments: Sequence[str]) -> argparse.Namespace:
    """Raises SystemExit for what it does not take."""
    parser = argparse.ArgumentParser(prog="./run", description="Pairwise as a service (docs/installing.md).")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    service = verbs.add_parser("install-service", help="make this checkout a service of systemd, or upgrade it")
    service.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    service.add_argument("--with-ldap", action="store_true", help="with what asks a directory (PAIRWISE_LDAP_URL)")
    service.add_argument("--uninstall", action="store_true", help="take the service away; settings and data stay")
    service.add_argument("--purge", type=Path, metavar="DIRECTORY",
                         help=f"with --uninstall: {layout.DATA}, which is removed with all messages and the settings")
    service.set_defaults(work=_install_service)
    package = verbs.add_parser("package", help="make the packages pairwise and pairwise-agent for Debian")
    package.add_argument("--directory", type=Path, default=layout.CHECKOUT / "dist", help="where to (dist)")
    package.add_argument("--with-ldap", action="store_true", help="with what asks a directory (PAIRWISE_LDAP_URL)")
    package.set_defaults(work=_package)
    settle = verbs.add_parser("settle")
    settle.add_argument("--first", action="store_true")
    settle.set_defaults(work=_settle)
    return parser.parse_args(arguments)


def _locks(options: argparse.Namespace) -> tuple[str, ...]:
    return (LOCK, DIRECTORY_LOCK) if options.with_ldap else (LOCK,)


def _install_service(options: argparse.Namespace) -> None:
    if options.purge and (not options.uninstall or options.purge != layout.DATA):
        raise _Refused(f"--purge goes with --uninstall and names what is lost: --uninstall --purge {layout.DATA}")
    facts, locks = machine.look(), _locks(options)
    if options.uninstall:
        why = facts.why_no_service() if not facts.packaged else \
            "Pairwise was installed as a package here: remove it by apt remove pairwise."
        steps = plan.uninstall(facts, purge=options.purge is not None)
    else:
        why = facts.why_not_installed() or facts.why_no_service() or facts.why_more_packages(options.with_ldap)
        steps = plan.install(_wanted(locks), facts)
    if options.dry_run:
        _say_plan(steps, why)
        return
    if why:
        raise _Refused(why)
    machine.carry_out(steps, locks, print)
    _say_end(options, steps)


def _wanted(locks: tuple[str, ...]) -> plan.Wanted:
    return plan.Wanted(digest=tree.digest(tree.files(locks, machine.python())), unit=layout.UNIT_SOURCE.read_text(),
                       settings=layout.SETTINGS_SOURCE.read_text(), command=layout.COMMAND_SOURCE.read_text())


def _say_plan(steps: list[plan.Step], why: str) -> None:
    print("\n".join(f"would {step}" for step in steps) or "Nothing to do: everything is as it should be.")
    if why:
        print(f"It cannot be done like this: {why}")


def _say_end(options: argparse.Namespace, steps: list[plan.Step]) -> None:
    if options.uninstall:
        kept = "" if options.purge else f" Settings are still in {layout.CONFIGURATION}, data in {layout.DATA}."
        print(f"The service was taken away.{kept} The account {layout.ACCOUNT} stays.")
    elif not steps:
        print("Nothing to do: everything is as it should be.")
    else:
        print(f"Pairwise runs as the service {layout.UNIT}. Settings: {layout.SETTINGS}. What it says: journalctl -u "
              f"{layout.UNIT}. Commands: {layout.COMMAND} status")


def _package(options: argparse.Namespace) -> None:
    options.directory.mkdir(parents=True, exist_ok=True)
    print(f"Making packages in {options.directory}: some minutes, more where the machine is slow or busy", flush=True)
    for made in (build_console(options.directory, _locks(options)), build_agent(options.directory)):
        print(made)


def _settle(options: argparse.Namespace) -> None:
    machine.carry_out(plan.settle(machine.look(), first=options.first), (), print)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
