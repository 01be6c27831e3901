"""What runs on the operating system of a host. Pure."""

from provisioning.states import AGENT_SYSTEMS, OSType


def is_windows(os_type: str) -> bool:
    return os_type == OSType.WINDOWS_2012


def no_agent(name: str, os_type: str) -> str:
    """Why host ``name`` has no agent and never will; "" where one can run."""
    if os_type in AGENT_SYSTEMS:
        return ""
    if is_windows(os_type):
        return (f"Jobs do not reach {name}: the agent needs Linux. The README's section Windows says how a server gets "
                "there.")
    return f"Jobs do not reach {name}: there is no agent for {label_of(os_type)}, only for Linux."


def only_kept(os_type: str) -> str:
    """Why no job installs a package for this system; "" where one can."""
    return "" if os_type in AGENT_SYSTEMS else (
        f"No agent runs on {label_of(os_type)}: the package is kept, and no job installs it.")


def label_of(os_type: str) -> str:
    return OSType(os_type).label if os_type in OSType.values else os_type
