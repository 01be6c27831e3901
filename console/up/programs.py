"""The console's processes: what each runs with, and in which order they stop."""

import os
import signal
from collections.abc import Mapping
from pathlib import Path

from django.conf import settings

from console.up import redis as embedded_redis
from console.up.machine import reachable_host, web_address
from console.up.processes import RUN_MARK
from console.up.program import Program, python
from protocol.secret_settings import OF_ONE_COMMAND

ADMIN = "admin"
"""The first administrator."""
LOCAL_HOST = "localhost"
"""Host object of this machine."""
APPLICATIONS_UMASK = 0o022
"""Of the agent: applications may run under accounts of their own. Everything else is for our account only."""
DECIDER_SILENT_S, SILENT_S = 5.0, 10.0
"""Without control nothing fails over. The others may wait a moment for a slow disk, and jobs end with the agent."""
REDIS, WEB, CONTROL, WORKER, LOG, AGENT = "redis", "web", "control", "console-worker", "log-reader", "agent"
ROLES = (REDIS, CONTROL, WEB, WORKER, LOG, AGENT)
"""What `up` runs on this machine, or some of it."""
FORKS = "fork-server"
FORKED = frozenset({CONTROL, WEB, WORKER, LOG})
"""They use the same modules: where `up` starts several of them, they are forks of a process that has loaded these."""


def console_address() -> str:
    """Where this machine reaches the web console."""
    return web_address(settings.PAIRWISE_HOST, settings.PAIRWISE_PORT, "https" if settings.PAIRWISE_WEB_TLS else "http")


def console_environment(mark: str) -> dict[str, str]:
    """What all but Redis and the agent see: the settings of this process, wherever they are started."""
    environment = {name: value for name, value in os.environ.items() if name not in OF_ONE_COMMAND}
    # Celery leaves the title of its process alone. Memory for each thread would be of little use to Python, of whose
    # threads one runs at a time.
    environment |= {RUN_MARK: mark, "PAIRWISE_DATA_DIR": str(settings.PAIRWISE_DATA_DIR), "PYTHONUNBUFFERED": "1",
                    "NOSETPS": "1", "MALLOC_ARENA_MAX": "1"}
    # The host's downloads and our own health check come by this name, whatever names the users' browsers use.
    own = reachable_host(settings.PAIRWISE_HOST)
    if own not in settings.ALLOWED_HOSTS and "*" not in settings.ALLOWED_HOSTS:
        environment["PAIRWISE_ALLOWED_HOSTS"] = ",".join([*settings.ALLOWED_HOSTS, own])
    return environment


def agent_environment(mark: str) -> dict[str, str]:
    """What the agent and the servers it starts see: nothing that belongs to the console. Celery would load its settings
    into the host worker for the name of their module alone."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PAIRWISE_", "DJANGO_"))}
    return environment | {RUN_MARK: mark, "PYTHONUNBUFFERED": "1"}


def redis_program(socket_path: Path, mark: str) -> Program:
    data_dir = settings.PAIRWISE_DATA_DIR / "redis"
    embedded_redis.make_directories(socket_path, data_dir)
    arguments = embedded_redis.command(socket_path, data_dir, password=settings.EMBEDDED_REDIS_PASSWORD,
                                       host=settings.PAIRWISE_HOST, port=settings.PAIRWISE_REDIS_PORT)
    return Program(name=REDIS, label="Redis", arguments=arguments, environment=agent_environment(mark),
                   directory=data_dir)


def console_programs(agent_config: Path, *, mark: str, roles: frozenset[str]) -> list[Program]:
    """Those of ``roles``, control first: the others look for it."""
    return [program for program in _all_programs(agent_config, mark) if program.name in roles]


def _all_programs(agent_config: Path, mark: str) -> list[Program]:
    root, console = settings.BASE_DIR, console_environment(mark)
    return [
        Program(name=CONTROL, label="Control", arguments=python("manage.py", "runcontrol"), environment=console,
                directory=root, silent_s=DECIDER_SILENT_S),
        Program(name=WEB, label="The web process", environment=console, directory=root, silent_s=SILENT_S,
                arguments=python("-m", "console.web")),
        Program(name=WORKER, label="The console worker", environment=console, directory=root,
                arguments=python("-m", "console.worker")),
        Program(name=LOG, label="The log reader", arguments=python("manage.py", "runlog"), environment=console,
                directory=root, silent_s=SILENT_S),
        Program(name=AGENT, label="The agent", environment=agent_environment(mark), directory=root,
                arguments=python("-m", "hostagent", "--config", str(agent_config)), stop_signal=signal.SIGINT,
                umask=APPLICATIONS_UMASK, silent_s=SILENT_S),
    ]


def fork_server(mark: str) -> Program:
    """What those of FORKED are forks of. Titles leave its environment alone, by which a process is known to be of this
    run."""
    return Program(name=FORKS, label="The fork server", directory=settings.BASE_DIR,
                   environment={**console_environment(mark), "SPT_NOENV": "1"},
                   arguments=python("-m", "console.up.fork_server"))


STOP_ORDER: tuple[tuple[str, ...], ...] = ((AGENT,), (WORKER, LOG), (CONTROL, WEB), (REDIS,))
"""The agent first, while control is there to see its servers end; Redis last, so that no report is lost."""


def settings_of_this_run(environ: Mapping[str, str]) -> dict[str, str]:
    """The settings that `./run manage` in another shell needs to talk to this run."""
    return {name: value for name, value in environ.items()
            if name.startswith("PAIRWISE_") and name not in (*OF_ONE_COMMAND, "PAIRWISE_DATA_DIR")}
