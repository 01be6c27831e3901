"""Process 1 of a test host: ``unshare ... python host_init.py NAME BOOT_ID_FILE``.

Gives the host its own name, /proc and boot id, says "ready", and waits for a JSON line {argv, cwd, log}: the program
that the host runs, started again when it ends, as an init system would. A line "shutdown" ends it with SIGINT and then
the host. The end of standard input is the power going off: with process 1 every process of the host dies.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

RESTART_S = 0.5


def mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


class Program:
    def __init__(self, argv: list[str], cwd: str, log: str):
        self.argv, self.cwd = argv, cwd
        self.log = open(log, "ab", buffering=0)  # noqa: SIM115 - as long as the host runs
        self.wanted = True
        self.pid = 0

    def start(self) -> None:
        self.pid = subprocess.Popen(self.argv, cwd=self.cwd, stdin=subprocess.DEVNULL, stdout=self.log,
                                    stderr=self.log, start_new_session=True).pid

    def listen(self) -> None:
        """Until the power goes off."""
        for line in sys.stdin:
            if line.strip() == "shutdown":
                self.wanted = False
                os.kill(self.pid, signal.SIGINT)
        os._exit(1)

    def keep_running(self) -> None:
        """Start it, reap what was orphaned, start it again; until it ended after a shutdown."""
        self.start()
        threading.Thread(target=self.listen, daemon=True).start()
        while True:
            ended, _ = os.waitpid(-1, 0)
            if ended == self.pid:
                if not self.wanted:
                    return
                time.sleep(RESTART_S)
                self.start()


def main() -> None:
    name, boot_id = sys.argv[1:]
    socket.sethostname(name)
    mount("-t", "proc", "proc", "/proc")
    mount("--bind", boot_id, "/proc/sys/kernel/random/boot_id")
    print("ready", flush=True)
    if line := sys.stdin.readline():
        Program(**json.loads(line)).keep_running()


if __name__ == "__main__":
    main()
