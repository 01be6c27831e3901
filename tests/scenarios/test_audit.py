"""The audit of a real pair: nothing on one made by following the guide; one that is broken in one way shows that, and
nothing else, and nothing again once it is put right."""

import subprocess

import pytest

from tests.scenarios.harness import wait_for
from tests.scenarios.pairs import Pair

ROOM_MB, SMALL_MB = 4096, 60
SOON_S = 20.0


class Audited:
    """A pair whose hosts know each other's names and have room, and what the audit says of it."""

    def __init__(self, site):
        self.site = site
        self.hosts_file = site.directory / "audited-hosts"
        self.name_hosts({host.name: host.address for host in site.hosts.values()})
        for host in site.hosts.values():
            self.on(host, "mount", "--bind", str(self.hosts_file), "/etc/hosts")
            self.resize(host, ROOM_MB)
        # No client of its own: passcodes in the plain are a finding.
        self.pair = Pair(site, "audited", small_disk=True, options={"clients": {}})
        self.primary, self.backup = self.pair.members

    def on(self, host, *command):
        done = host.run(*command)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def name_hosts(self, addresses):
        # In place: what is mounted is this file, not its name.
        self.hosts_file.write_text("127.0.0.1 localhost\n" + "".join(
            f"{address} {name}\n" for name, address in addresses.items()))

    def resize(self, host, megabytes):
        self.on(host, "mount", "-o", f"remount,size={megabytes}m", str(host.disk))

    def ask(self, question, **arguments):
        return self.site.pairwise.ask(question, name=self.primary.name, **arguments)

    def audit(self):
        return self.ask("audit")

    def found(self, expected, look=True):
        """The audit once its findings are exactly these (code, member); its last word in the AssertionError."""
        last = {}

        def is_so():
            last.update(self.audit())
            return {(each["code"], *each["about"][:1]) for each in last["findings"]} == expected

        if look:
            self.ask("look")
        try:
            wait_for(is_so, SOON_S, f"exactly {expected}", every=0.2)
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {last}") from None
        return last

    def clean(self, look=True):
        found = self.found(set(), look)
        assert (found["unknown"], found["verdict"]) == ([], "ready"), found


@pytest.fixture(scope="module")
def audited(site):
    made = Audited(site)
    yield made
    made.pair.stop()
    for host in site.hosts.values():
        subprocess.run([*host.everything, "umount", "/etc/hosts"], check=False)
        made.resize(host, 64)


def test_a_pair_made_by_following_the_guide_has_nothing(audited):
    audited.clean()
