"""The facts of a host's ladder, from the database and from what is asked at this moment."""

from collections.abc import Callable

from protocol.said import LARGEST, number
from provisioning.applications.selectors.applications import application_list
from provisioning.core.control import control_of, word_of
from provisioning.core.known import age_s
from provisioning.core.os_accounts import wrong_account_of
from provisioning.hosts.rules.ladder import Installed, Ladder, LadderFacts, ladder
from provisioning.models import Application, Host, InstallationPackage
from provisioning.states import HostStatus

from .joining import bundle
from .names import names_of


def host_ladder(host: Host, *, ping: Callable[[str], bool]) -> Ladder:
    """How far ``host`` is reachable now; ``ping`` asks its worker, which is done only while its agent is connected."""
    runtime = getattr(host, "runtime", None)
    facts, names, built = (runtime.facts if runtime else {}), names_of(host.name, host.ip_address), bundle()
    rows = list(application_list(host=host.name))
    said = word_of(host)
    running = said.status == HostStatus.RUNNING
    return ladder(LadderFacts(
        name=host.name, ip_address=host.ip_address, enabled=host.enabled, removed=host.left_at is not None,
        addresses=names.addresses, reverse=names.reverse, status=said.status if runtime else "",
        reason=said.reason,
        heard_s=age_s(runtime.heard_at, control_of(host).now) if runtime else None,
        worker_alive=bool(runtime and runtime.worker_alive), answers=ping(host.name) if running else None,
        offset_s=number(facts.get("clock_offset_s"), -LARGEST, LARGEST),
        disk_free_bytes=number(facts.get("disk_free_bytes"), 0, LARGEST),
        agent_version=runtime.agent_version if runtime else "", agent_build=str(facts.get("agent_build", "")),
        console_version=built.version if built else "", console_build=built.name if built else "",
        account=str(facts.get("account", "")), accounts=_mapping(facts.get("accounts")),
        resolved=_resolved(facts.get("resolved")), wrong_accounts=tuple(filter(None, map(wrong_account_of, rows))),
        comes_back_by=str(facts["comes_back_by"]) if "comes_back_by" in facts else None,
        applications=tuple(_installed(rows))))


def _mapping(value) -> dict | None:
    return value if isinstance(value, dict) else None


def _resolved(value) -> dict[str, list[str]] | None:
    """{name: its addresses there}; whatever else an agent says there is left out."""
    found = _mapping(value)
    return found and {name: [each for each in addresses if isinstance(each, str)]
                      for name, addresses in found.items() if isinstance(addresses, list)}


def _installed(rows: list[Application]):
    newest = dict(InstallationPackage.objects.order_by("id").values_list("type", "version"))
    for row in rows:
        yield Installed(name=row.name, status=row.status or "", version=_version(row),
                        package_version=newest.get(row.type, ""), is_runnable=row.is_runnable)


def _version(row: Application) -> str:
    return row.version if row.is_installed else ""
