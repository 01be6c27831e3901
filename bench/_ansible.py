"""The peer of ``bench.deploy``: ansible-playbook over SSH to namespaced hosts, each with an sshd of its own."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.scenarios.harness import wait_for
from tests.scenarios.hosts import VirtualHost

PLAYBOOK_S, SSHD_S = 900, 20
FORKS = 20
TASKS = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Make the directory
      ansible.builtin.file: {path: "{{ directory }}", state: directory, mode: "0750"}
    - name: Fetch the Installation Package
      ansible.builtin.copy: {src: "{{ package }}", dest: "{{ directory }}/package.tar.gz", mode: "0640"}
    - name: Check and unpack it
      ansible.builtin.unarchive: {src: "{{ directory }}/package.tar.gz", dest: "{{ directory }}", remote_src: true}
    - name: Write the start file
      ansible.builtin.copy: {content: "{{ run_sh }}", dest: "{{ directory }}/run.sh", mode: "0750"}
    - name: Write the secret
      ansible.builtin.copy: {content: "{{ secret }}", dest: "{{ directory }}/application.secret", mode: "0600"}
      no_log: true
    - name: Connect to the Configuration Server
      ansible.builtin.command: {cmd: "sh run.sh -check", chdir: "{{ directory }}"}
    - name: Start the process
      ansible.builtin.shell: {cmd: "setsid sh run.sh > server.log 2>&1 < /dev/null &", chdir: "{{ directory }}"}
    - name: Wait until the server is ready
      ansible.builtin.wait_for: {host: "{{ ansible_host }}", port: "{{ port }}", timeout: 60, sleep: 1, delay: 0}
"""
"""The steps of Install and Start, in the same order."""


def why_not() -> str:
    """"" when the peer can run here, else what is missing."""
    missing = [name for name in ("sshd", "ssh", "ssh-keygen") if not _program(name)]
    playbook = Path(sys.executable).with_name("ansible-playbook")
    return f"missing: {', '.join(missing or [playbook.name])}" if missing or not playbook.exists() else ""


def _program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


@dataclass(frozen=True)
class Target:
    """One application that ansible installs and starts: where, with what, and the port that says that it is ready."""

    host: VirtualHost
    application: str
    secret: str
    port: int


class Ansible:
    """``run`` installs and starts; ``stop`` ends what it started."""

    def __init__(self, directory: Path, package: Path, control: tuple[str, int], authority: Path):
        self.directory, self.package, self.control, self.authority = directory, package, control, authority
        directory.mkdir()
        self._sshds: list[subprocess.Popen] = []
        for name in ("host_key", "key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(directory / name)], check=True)

    def serve(self, hosts: list[VirtualHost]) -> None:
        """An sshd on every host; until all answer."""
        for host in hosts:
            config = self.directory / f"sshd-{host.name}"
            config.write_text("\n".join((
                "Port 22", f"ListenAddress {host.address}", f"HostKey {self.directory / 'host_key'}", "UsePAM no",
                f"AuthorizedKeysFile {self.directory / 'key.pub'}", "StrictModes no", "PidFile none",
                "PermitRootLogin prohibit-password", "MaxStartups 100", "UseDNS no",
                "Subsystem sftp internal-sftp", "")))
            host.run("mkdir", "-p", "/run/sshd")
            with open(self.directory / f"sshd-{host.name}.log", "wb") as log:
                self._sshds.append(subprocess.Popen([*host.everything, _program("sshd"), "-D", "-e", "-f", str(config)],
                                                    stdin=subprocess.DEVNULL, stdout=log, stderr=log))
        for host in hosts:
            log = self.directory / f"sshd-{host.name}.log"
            wait_for(lambda log=log: b"listening" in log.read_bytes(), SSHD_S, f"sshd on {host.name}")

    def run(self, targets: list[Target]) -> float:
        """Seconds that the playbook took. Raises RuntimeError with what it said when a step failed."""
        host, port = self.control
        variables = {target.host.name: {
            "ansible_host": target.host.address, "ansible_user": "root", "ansible_python_interpreter": sys.executable,
            "ansible_ssh_private_key_file": str(self.directory / "key"), "package": str(self.package),
            "directory": str(target.host.directory / "ansible" / target.application), "secret": target.secret,
            "port": target.port,
            "run_sh": '#!/bin/sh\ncd "$(dirname "$0")" || exit 1\n'
                      f"export PAIRWISE_CONSOLE_CA_FILE={self.authority}\n"
                      f'exec "{sys.executable}" -I ./lib.zip -host {host} -port {port} '
                      f'-app {target.application} "$@"\n',
        } for target in targets}
        inventory, playbook = self.directory / "inventory.json", self.directory / "playbook.yml"
        inventory.write_text(json.dumps({"all": {"hosts": variables}}))
        playbook.write_text(TASKS)
        begun = time.monotonic()
        done = subprocess.run(
            [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(inventory), str(playbook)],
            env={**os.environ, "ANSIBLE_FORKS": str(FORKS), "ANSIBLE_PIPELINING": "1", "ANSIBLE_HOST_KEY_CHECKING": "0",
                 "ANSIBLE_HOME": str(self.directory), "ANSIBLE_LOCAL_TEMP": str(self.directory / "tmp"),
                 "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8"},
            capture_output=True, text=True, timeout=PLAYBOOK_S, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise RuntimeError(f"{done.stdout[-3000:]}\n{done.stderr[-2000:]}")
        return time.monotonic() - begun

    def stop(self, targets: list[Target]) -> None:
        """End the servers that were started; until they have ended."""
        for target in targets:
            target.host.run("pkill", "-TERM", "-f", f"-app {target.application}")
        for target in targets:
            wait_for(lambda target=target: target.host.run("pgrep", "-f", f"-app {target.application}").returncode,
                     30, f"the end of {target.application}")

    def close(self) -> None:
        for sshd in self._sshds:
            sshd.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                sshd.wait(10)


@contextlib.contextmanager
def ansible(directory: Path, package: Path, control: tuple[str, int], authority: Path,
            hosts: list[VirtualHost]) -> Iterator[Ansible]:
    peer = Ansible(directory, package, control, authority)
    try:
        peer.serve(hosts)
        yield peer
    finally:
        peer.close()
