"""`manage.py up` from the first check to the last process ended."""

import contextlib
import errno
import logging
import os
import secrets
import sys
import time
from pathlib import Path

from django.conf import settings

from console.embedded_redis import embedded_redis_socket
from console.up import first_password, health, machine, programs, redis, servers
from console.up.apart import aside, one_after_the_other
from console.up.child import Child
from console.up.errors import CannotStart
from console.up.forks import ForkServer
from console.up.program import spawn
from console.up.record import RunRecord, end_leftovers
from console.up.standby import standing
from console.up.standstill import Standstill, finish
from console.up.supervisor import Asked, Signals, Supervisor

REDIS_READY_S, OTHER_REDIS_READY_S = 30.0, 5.0
CONTROL_READY_S = 30.0
READY_S = 60.0
ASK_EVERY_S = 0.2


def say(line: str) -> None:
    try:
        print(line, flush=True)
    except OSError as error:
        # Of a full disk the line waits in the buffer. A terminal that is gone takes nothing any more, and what we
        # started must still be stopped properly.
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def roles_of(text: str) -> frozenset[str]:
    """The roles that ``text`` names, separated by commas; all for "". Raises CannotStart."""
    named = frozenset(part.strip() for part in text.split(",") if part.strip())
    if unknown := sorted(named - set(programs.ROLES)):
        raise CannotStart(f"There is no role {unknown[0]}: choose among {', '.join(programs.ROLES)}.")
    return named or frozenset(programs.ROLES)


def up(only: str = "") -> int:
    """Run Pairwise on this machine, or the roles that ``only`` names, until somebody asks to stop. The exit code: 0, or
    2 with a sentence on stderr."""
    record = RunRecord(settings.PAIRWISE_DATA_DIR, say)
    try:
        roles = roles_of(only or settings.PAIRWISE_ONLY)
        with Signals() as signals:
            record.take()
            try:
                return _Run(record, signals, roles).go()
            finally:
                record.close()
    except CannotStart as refused:
        print(refused, file=sys.stderr)
        return 2


class _Run:
    def __init__(self, record: RunRecord, signals: Signals, roles: frozenset[str]):
        self.record, self.signals, self.roles = record, signals, roles
        self.address = programs.console_address()
        self.mark = secrets.token_hex(16)
        self.new_password = ""
        self.log_dir = settings.PAIRWISE_DATA_DIR / "logs"
        self.agent_state = settings.PAIRWISE_DATA_DIR / "hosts" / programs.LOCAL_HOST / "state"
        self.supervisor = Supervisor([], record=record, signals=signals, say=say,
                                     on_hurry=lambda: servers.kill(self.agent_state))
        self.forks = ForkServer(programs.fork_server(self.mark), self.log_dir)
        self.supervisor.beside = Standstill(settings.PAIRWISE_DATA_DIR, self.supervisor, say).look

    def go(self) -> int:
        try:
            with self.signals.interrupting():
                done = self._prepare()
            self.new_password = done["new_password"]
            self._start(done)
            ready = self._wait_ready()
            if not self.signals.stops:
                self._welcome(done, ready)
            self.supervisor.run()
        except Asked:
            pass
        finally:
            self.forks.release()
            self._stop()
            self.supervisor.close()
        return 0

    # --- start ------------------------------------------------------------------------------------------------

    def _prepare(self) -> dict:
        if ended := end_leftovers(self.record.read()):
            say(f"Ended {ended} process{'es' if ended > 1 else ''} that an earlier run left behind")
        os.umask(0o077)
        with contextlib.closing(one_after_the_other(_check_databases, _check_settings, self._wait_redis, self._set_up,
                                                    meanwhile=self._look_after_redis)) as steps:
            for line in next(steps)["lines"]:
                say(line)
            machine.check_disk(settings.PAIRWISE_DATA_DIR)
            for line in next(steps)["lines"]:
                say(line)
            machine.check_ports(self._ports())
            self.log_dir.mkdir(exist_ok=True, mode=0o700)
            self.record.open(address=self.address, mark=self.mark,
                             environment=programs.settings_of_this_run(os.environ))
            if len(self.roles & programs.FORKED) > 1:
                self.forks.begin()
            self._start_redis()
            next(steps)
            return next(steps)

    def _set_up(self) -> dict:
        from console.up import setup

        # Control is told of changes; that it does not run yet is no news.
        logging.getLogger("provisioning.core.control_client").setLevel(logging.ERROR)
        done = setup.set_up(admin_password=settings.PAIRWISE_ADMIN_PASSWORD, say=say,
                            serves_pages=programs.WEB in self.roles, is_host=programs.AGENT in self.roles)
        return {"agent_config": str(done.agent_config or ""), "new_password": done.new_password,
                "warnings": list(done.warnings)}

    def _ports(self) -> list[machine.Port]:
        """That the chosen roles listen on."""
        ports = {
            programs.WEB: machine.Port("the web console", settings.PAIRWISE_HOST, settings.PAIRWISE_PORT,
                                       "PAIRWISE_PORT"),
            programs.CONTROL: machine.Port("control", settings.PAIRWISE_CONTROL_HOST, settings.PAIRWISE_CONTROL_PORT,
                                           "PAIRWISE_CONTROL_PORT"),
            programs.AGENT: machine.Port("the agent", "127.0.0.1", settings.PAIRWISE_LCA_PORT, "PAIRWISE_LCA_PORT"),
        }
        if settings.EMBEDDED_REDIS_PASSWORD:
            ports[programs.REDIS] = machine.Port("Redis", settings.PAIRWISE_HOST, settings.PAIRWISE_REDIS_PORT,
                                                 "PAIRWISE_REDIS_PORT")
        return [port for role, port in ports.items() if role in self.roles]

    def _start_redis(self) -> None:
        if settings.REDIS_IS_EMBEDDED and programs.REDIS in self.roles:
            program = programs.redis_program(embedded_redis_socket(settings.PAIRWISE_DATA_DIR), self.mark)
            self.supervisor.children.append(Child(program, self.log_dir, self.mark))
            self.supervisor.start(self.supervisor.children[-1])

    def _wait_redis(self) -> dict:
        """Raises CannotStart."""
        url = settings.PAIRWISE_REDIS_URL
        if settings.REDIS_IS_EMBEDDED and programs.REDIS in self.roles:
            if not redis.wait_ready(url, within_s=REDIS_READY_S):
                raise CannotStart(self._redis_did_not_start())
        elif not redis.wait_ready(url, within_s=OTHER_REDIS_READY_S):
            if why := redis.why_untrusted(url):
                raise CannotStart(f"The Redis of PAIRWISE_REDIS_URL cannot be used: {why}.")
            raise CannotStart("The Redis of PAIRWISE_REDIS_URL does not answer: start it or correct the address; "
                              "without PAIRWISE_REDIS_URL Pairwise starts one of its own.")
        return {}

    def _look_after_redis(self) -> None:
        """Nobody waits for one that has ended. Raises CannotStart."""
        if any(child.program.name == programs.REDIS and not child.runs for child in self.supervisor.children):
            raise CannotStart(self._redis_did_not_start())

    def _redis_did_not_start(self) -> str:
        return f"The embedded Redis did not start; its log says why: {self.log_dir / programs.REDIS}.log"

    def _start(self, done: dict) -> None:
        for program in programs.console_programs(Path(done["agent_config"]), mark=self.mark, roles=self.roles):
            self.supervisor.children.append(Child(
                program, self.log_dir, self.mark, self.forks.fork if program.name in programs.FORKED else spawn))
        for child in self.supervisor.children:
            if child.program.name == programs.AGENT:
                self.forks.release()
                if programs.CONTROL in self.roles:
                    self._wait_control()
            if child.process is None and not self.signals.stops:
                self.supervisor.start(child)
        self.forks.release()

    def _wait_control(self) -> None:
        """The agent brings back the servers that ran, and they end at once while nobody gives them a configuration."""
        deadline = time.monotonic() + CONTROL_READY_S
        address = machine.reachable_host(settings.PAIRWISE_CONTROL_HOST).strip("[]"), settings.PAIRWISE_CONTROL_PORT
        while not self.signals.stops and not machine.listens(*address) and time.monotonic() < deadline:
            self.supervisor.look()
            self.supervisor.wait(ASK_EVERY_S)

    def _wait_ready(self) -> bool:
        """True once every component answers; False when asked to stop, or after READY_S, having said which do not."""
        if programs.WEB not in self.roles:
            # What is elsewhere cannot be waited for, and nobody here could tell of it.
            return True
        told: set[str] = set()
        deadline = time.monotonic() + READY_S
        while not self.signals.stops:
            self.supervisor.look()
            with self.signals.interrupting():
                components = health.ask(self.address, settings.PAIRWISE_TLS_CA)
            for name in sorted(n for n, status in components.items() if status == "ok" and n not in told):
                told.add(name)
                say(f"  {name.replace('_', ' ')}: ready")
            if components and len(told) == len(components):
                return True
            if time.monotonic() > deadline:
                missing = ", ".join(sorted(set(components) - told) or ["web"]).replace("_", " ")
                say(f"Not ready after {READY_S:g} s: {missing}. The logs in {self.log_dir} say why; Pairwise goes on "
                    "trying.")
                return False
            self.supervisor.wait(ASK_EVERY_S)
        return False

    def _welcome(self, done: dict, ready: bool) -> None:
        for warning in done["warnings"]:
            say(warning)
        if programs.WEB not in self.roles:
            say(f"\nPairwise runs: {', '.join(sorted(self.roles))}")
        else:
            # What people open; of the other one a console behind a proxy would say that it has another.
            address = settings.PAIRWISE_CONSOLE_URL or self.address
            say(f"\nPairwise {'is ready' if ready else 'runs, not all of it yet'}: {address}")
            if settings.PAIRWISE_WEB_TLS and settings.TLS_IS_OWN:
                say(f"Browsers do not know its certificate authority yet: import {settings.PAIRWISE_TLS_CA} into them")
        is_one_of_several = programs.CONTROL in self.roles and settings.PAIRWISE_CONTROLS
        if is_one_of_several and (line := aside(standing, say).get("sentence")):
            say(line)
        is_service = first_password.is_kept()
        if not self._show_password() and programs.WEB in self.roles:
            another = "pairwise users reset admin" if is_service else "PAIRWISE_ADMIN_PASSWORD=... ./run"
            say(f"Sign in as {programs.ADMIN}; {another} sets another password")
        if not is_service:
            say("Ctrl-C stops everything")

    def _show_password(self) -> bool:
        """Show the first administrator's random password, once; False when there is none to show."""
        password, self.new_password = self.new_password, ""
        if password:
            say(f"Sign in as {programs.ADMIN} {first_password.sentence(password, settings.PAIRWISE_DATA_DIR)}")
        return bool(password)

    # --- stop -------------------------------------------------------------------------------------------------

    def _stop(self) -> None:
        self._show_password()  # a start that was stopped early has not shown it yet
        by_name = {child.program.name: child for child in self.supervisor.children}
        if programs.AGENT in by_name:
            running = sorted(servers.running(self.agent_state))
            what = f" {', '.join(running[:5])}{' and others' if len(running) > 5 else ''}, then" if running else ""
            say(f"Stopping{what} Pairwise" + ("" if first_password.is_kept() else " (Ctrl-C again to hurry)"))
            by_name[programs.AGENT].stop_s = servers.stop_bound_s(self.agent_state)
        self.supervisor.stop([[by_name[name] for name in names if name in by_name] for names in programs.STOP_ORDER])
        if programs.AGENT in by_name and by_name[programs.AGENT].killed:
            # It was to stop them, and hung itself.
            servers.kill(self.agent_state)


def _check_databases() -> dict:
    """What a move that was broken off left is brought to an end before anybody reads it. Raises CannotStart."""
    from console.relocation import recovery

    if why := recovery.why_not(settings.PAIRWISE_DATA_DIR):
        raise CannotStart(why)
    return finish(settings.PAIRWISE_DATA_DIR)


def _check_settings() -> dict:
    """What is worth knowing of the settings. Raises CannotStart."""
    from django.core.checks import run_checks

    from console.checks import TAG

    found = run_checks(tags=[TAG])
    for each in found:
        if each.is_serious():
            raise CannotStart(f"{each.msg} {each.hint}")
    return {"lines": [f"{each.msg} {each.hint}" for each in found]}
