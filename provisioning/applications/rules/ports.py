"""Rules on Listening Ports and on what applications of one host share: port numbers and directories."""

import re
from collections.abc import Callable, Iterator, Sequence

from provisioning.core.text import number_refusals, parameter_refusals, parse_parameters, text_refusals
from provisioning.drafts import ApplicationDraft, PortDraft
from provisioning.errors import Refusal
from provisioning.models.applications import PORT_MAX, PORT_MIN
from provisioning.states import AUTO_DETECT, ApplicationType, ListeningMode, OSType, PortProtocol

from .facts import ApplicationFacts
from .fields import normal_directory

MAX_PORTS = 64
_PORT_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\Z")


def listening_ports(draft: ApplicationDraft, facts: ApplicationFacts) -> list[Refusal]:
    """Each row of Listening Ports by itself, and the rows against each other."""
    ports = draft.ports or ()
    if len(ports) > MAX_PORTS:
        return [Refusal(f"{len(ports)} Listening Ports are too many; {MAX_PORTS} fit.", "ports")]
    refusals = []
    is_message_server = facts.template is not None and facts.template.type == ApplicationType.MESSAGE_SERVER
    for index, port in enumerate(ports):
        refusals += _one_port(port, f"ports.{index}", is_message_server)
    refusals += _repeated([str(port.port_id).casefold() for port in ports], "port_id",
                          lambda i: f'Port ID "{ports[i].port_id}" is used twice. Each ID names one port.')
    refusals += _repeated([port.port for port in ports], "port",
                          lambda i: f"Port {ports[i].port} is listed twice. Choose another number.")
    flagged = [index for index, port in enumerate(ports) if port.ha_sync]
    refusals += [Refusal("HA Sync is set on more than one port. The peer uses exactly one; clear the others.",
                         f"ports.{index}.ha_sync") for index in flagged[1:]]
    return refusals


def _repeated(values: Sequence[object], field: str, sentence: Callable[[int], str]) -> Iterator[Refusal]:
    seen = set()
    for index, value in enumerate(values):
        if value in seen:
            yield Refusal(sentence(index), f"ports.{index}.{field}")
        seen.add(value)


def _one_port(port: PortDraft, at: str, is_message_server: bool) -> list[Refusal]:
    refusals = []
    if not isinstance(port.port_id, str) or not _PORT_ID.match(port.port_id) or len(port.port_id) > 64:
        refusals.append(Refusal('ID is required: letters, digits, "_", "-" and "." (at most 64), '
                                'for example "default".', f"{at}.port_id"))
    refusals += number_refusals(port.port, field=f"{at}.port", label="Port", least=PORT_MIN, most=PORT_MAX)
    refusals += text_refusals(port.protocol, field=f"{at}.protocol", label="Connection Protocol", longest=32)
    if is_message_server and port.protocol and port.protocol not in PortProtocol.values:
        refusals.append(Refusal(f'A Message Server does not speak "{port.protocol}". Use '
                                f"{', '.join(PortProtocol.values)}, or leave it empty for stomp.", f"{at}.protocol"))
    if is_message_server and port.protocol == PortProtocol.SYNC and not port.ha_sync:
        refusals.append(Refusal("Connection Protocol sync is that of the port with HA Sync, and nobody would use this "
                                "one. Select HA Sync, or choose stomp.", f"{at}.protocol"))
    if is_message_server and port.protocol == PortProtocol.STOMP_WS and port.ha_sync:
        refusals.append(Refusal("Connection Protocol stomp-ws is for browsers, and the other member does not use this "
                                "port so. Clear HA Sync, or choose sync.", f"{at}.protocol"))
    refusals += text_refusals(port.description, field=f"{at}.description", label="Description", longest=255)
    refusals += parameter_refusals(port.application_parameters, field=f"{at}.application_parameters",
                                   label="Application Parameters")
    return refusals + _security(port, at)


def _security(port: PortDraft, at: str) -> list[Refusal]:
    field = f"{at}.transport_parameters"
    refusals = parameter_refusals(port.transport_parameters, field=field, label="Transport Parameters")
    if port.listening_mode == AUTO_DETECT:
        return [*refusals, Refusal("Auto Detect is not supported. Choose Unsecured or Secured.",
                                   f"{at}.listening_mode")]
    if port.listening_mode not in ListeningMode.values:
        return [*refusals, Refusal(f'"{port.listening_mode}" is no Listening Mode. Use one of: '
                                   f"{', '.join(ListeningMode.values)}.", f"{at}.listening_mode")]
    if refusals:
        return refusals
    parameters = parse_parameters(port.transport_parameters)
    tls, mutual = parameters.get("tls"), parameters.get("tls-mutual")
    if mutual not in (None, "0", "1"):
        return [Refusal("In Transport Parameters, tls-mutual is 0 or 1.", field)]
    if mutual == "1" and not parameters.get("trusted-ca"):
        return [Refusal("tls-mutual=1 lets in only who shows a certificate of a trusted authority: name its file with "
                        "trusted-ca in Transport Parameters.", field)]
    if tls is not None and tls not in ("0", "1"):
        return [Refusal("In Transport Parameters, tls is 0 or 1.", field)]
    if (tls == "1" and port.listening_mode == ListeningMode.UNSECURED) or (
            tls == "0" and port.listening_mode == ListeningMode.SECURED):
        return [Refusal(f"Transport Parameters say tls={tls}, but Listening Mode is "
                        f"{ListeningMode(port.listening_mode).label}. Change one of the two.", field)]
    return []


def port_numbers_on_host(draft: ApplicationDraft, facts: ApplicationFacts) -> list[Refusal]:
    """A port number belongs to one owner per host: an application, the agent, or the console itself."""
    if facts.host is None:
        return []
    refusals = []
    for index, port in enumerate(draft.ports or ()):
        field = f"ports.{index}.port"
        if port.port == facts.host.lca_port:
            refusals.append(Refusal(f"Port {port.port} is the LCA Port of host {facts.host.name}. "
                                    "Choose another number.", field, (facts.host.link,)))
        for number, what in facts.host.reserved:
            if port.port == number:
                refusals.append(Refusal(f"Port {port.port} on host {facts.host.name} is used by {what}. "
                                        "Choose another number.", field))
        for other in facts.neighbours:
            for port_id, number in other.ports:
                if port.port == number:
                    refusals.append(Refusal(
                        f'Port {port.port} is used on host {facts.host.name} by {other.name} (port ID "{port_id}"). '
                        "Choose another number.", field, (other.link,)))
    return refusals


def share_a_path(one: str, other: str) -> bool:
    """True when two directories in normal spelling are equal or one lies inside the other; "" shares nothing."""
    if not one or not other:
        return False
    one, other = f"{one.rstrip('/')}/", f"{other.rstrip('/')}/"
    return one.startswith(other) or other.startswith(one)


def directories_on_host(draft: ApplicationDraft, facts: ApplicationFacts) -> list[Refusal]:
    """Two applications in one directory, or one inside the other, overwrite each other's files."""
    os_type = facts.host.os_type if facts.host else OSType.LINUX
    own = normal_directory(draft.working_directory, os_type)
    if not own or facts.host is None:
        return []
    refusals = []
    for other in facts.neighbours:
        theirs = normal_directory(other.working_directory, os_type)
        if not share_a_path(own, theirs):
            continue
        if own == theirs:
            relation = f"is the directory of {other.name}"
        elif len(own) > len(theirs):
            relation = f"lies inside the directory of {other.name} ({other.working_directory})"
        else:
            relation = f"holds the directory of {other.name} ({other.working_directory})"
        refusals.append(Refusal(f"Working Directory {relation} on host {facts.host.name}. Choose one of its own.",
                                "working_directory", (other.link,)))
    return refusals
