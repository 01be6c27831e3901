"""Is this machine ready for a start: ports, disk space. Every answer is a sentence that says what to do."""

import errno
import ipaddress
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

from console.up.errors import CannotStart

FREE_MB_NEEDED = 100
WILDCARDS = frozenset({"", "0.0.0.0", "::"})


LOCAL_ADDRESS = "127.0.0.1"


@dataclass(frozen=True)
class Port:
    """A port that one of the console's processes will listen on; ``setting`` is the variable that moves it."""

    label: str
    host: str
    number: int
    setting: str


def reachable_host(host: str) -> str:
    """The address under which a process of this machine reaches a listener on ``host``."""
    if host in WILDCARDS:
        return LOCAL_ADDRESS
    return f"[{host}]" if ":" in host else host


def address_for_others(host: str) -> str:
    """The address under which other machines reach servers of this one, as far as a listener on ``host`` tells:
    LOCAL_ADDRESS where that is a name, or leads each machine to itself."""
    try:
        given = ipaddress.ip_address(host)
    except ValueError:
        return LOCAL_ADDRESS
    return LOCAL_ADDRESS if given.is_loopback or given.is_unspecified else str(given)


def web_address(host: str, port: int, scheme: str = "http") -> str:
    return f"{scheme}://{reachable_host(host)}:{port}"


def check_ports(ports: list[Port]) -> None:
    """Raise CannotStart for the first port that cannot be listened on, or that two settings share."""
    seen: dict[int, Port] = {}
    for port in ports:
        if not 1 <= port.number <= 65535:
            raise CannotStart(f"{port.setting} is {port.number}: a port is a number from 1 to 65535.")
        if port.number in seen:
            raise CannotStart(f"{seen[port.number].setting} and {port.setting} are both {port.number}: "
                              "give each its own port.")
        seen[port.number] = port
        if reason := why_taken(port):
            raise CannotStart(reason)


def why_taken(port: Port) -> str:
    """"" when the port is free, else the sentence."""
    family = socket.AF_INET6 if ":" in port.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((port.host, port.number))
            probe.listen(1)
        except OSError as error:
            return _port_sentence(port, error)
    return ""


def _port_sentence(port: Port, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (f"Port {port.number}, which {port.label} needs, is taken{_holder(port.number)}: stop that program or "
                f"set {port.setting} to a free port, then run ./run again.")
    if error.errno == errno.EACCES:
        return (f"Port {port.number}, which {port.label} needs, is reserved for the administrator of this machine: "
                f"set {port.setting} to a port above 1023.")
    return (f"{port.label.capitalize()} cannot listen on {port.host}:{port.number} ({error.strerror or error}): "
            "set PAIRWISE_HOST to an address of this machine.")


def _holder(number: int) -> str:
    """" by PROGRAM (process N)" when the system lets us see who listens on the port."""
    # Here: `up`, which stays, seldom needs it.
    import psutil  # type: ignore[import-untyped]  # it brings no types

    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == number and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    except (psutil.Error, OSError):
        pass
    return ""


def listens(host: str, port: int) -> bool:
    """True when something accepts connections there."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def check_disk(directory: Path) -> None:
    free = shutil.disk_usage(directory).free // 2**20
    if free < FREE_MB_NEEDED:
        raise CannotStart(f"The disk of {directory} is full ({free} MB free, Pairwise needs {FREE_MB_NEEDED} MB): free "
                          "some space or set PAIRWISE_DATA_DIR to another disk, then run ./run again.")
