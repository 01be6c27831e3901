"""A machine with nothing but sshd and Python becomes a host: the console logs in once and does what the line does."""

import html
import re
import subprocess

import pytest

from tests.sshd import Sshd, needs_sshd

from .harness import wait_for
from .joining import DIRECTORY, JOIN_S, console_beside, created, host_of

pytestmark = [needs_sshd, pytest.mark.long]
PASSWORD = "a password that is typed once"


@pytest.fixture(scope="module")
def ground(hosts_allowed, tmp_path_factory):
    directory = tmp_path_factory.mktemp("ssh")
    (directory / "sshd").mkdir()
    with console_beside(directory, "delta") as (run, machine):
        give_accounts(machine, directory)
        with Sshd(directory / "sshd", machine.address, 2222, inside=machine.everything,
                  more=f"SetEnv PATH={machine._path()}") as sshd:
            yield [run.start(), machine, sshd]


def give_accounts(machine, directory):
    """root and otto, who may not become root, with a password; on that machine only."""
    hashed = subprocess.run(["openssl", "passwd", "-6", "-stdin"], input=PASSWORD, text=True, check=True,
                            capture_output=True).stdout.strip()
    files = {"passwd": "root:x:0:0:root:/root:/bin/sh\notto:x:4711:4711::/:/bin/sh\n"
                       "sshd:x:100:65534::/run/sshd:/usr/sbin/nologin\nnobody:x:65534:65534::/:/usr/sbin/nologin\n",
             "shadow": f"root:{hashed}:19000:0:99999:7:::\notto:{hashed}:19000:0:99999:7:::\nsshd:*:19000::::::\n"}
    for name, text in files.items():
        (directory / name).write_text(text)
        (directory / name).chmod(0o644 if name == "passwd" else 0o600)
        subprocess.run([*machine.everything, "mount", "--bind", str(directory / name), f"/etc/{name}"], check=True)


def text_of(answer) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", answer.text)))


def test_a_host_is_joined_by_one_login_whose_key_was_confirmed(ground):
    pairwise, machine, sshd = ground
    browser = pairwise.browser()
    page = created(browser, machine)
    address = page.url.removeprefix(pairwise.address)
    form = browser.post(f"{address}join/ssh/", {"port": "2222"})
    assert sshd.fingerprint in text_of(form)
    key = html.unescape(re.search(r'name="key" value="([^"]+)"', form.text)[1])

    def join(**login):
        answer = browser.post(f"{address}join/ssh/", {"port": "2222", "key": key, "user": "root", "password": "",
                                                      "private_key": "", "passphrase": "", **login})
        assert answer.status == 200, text_of(answer)

    def said(*words):
        wait_for(lambda: all(word in text_of(browser.get(address)) for word in words), JOIN_S, f"the page says {words}")

    join(password="not the password")
    said("The machine does not let root log in with this password.", "press Join by SSH again")
    if subprocess.run([*machine.everything, "sh", "-c", "command -v sudo"], capture_output=True).returncode:
        join(user="otto", password=PASSWORD)
        said("otto is not root and the machine has no sudo.")

    join(password=PASSWORD)
    said("As root, with python3", "Host worker ready")
    wait_for(lambda: host_of(pairwise, machine.name)["worker_alive"], JOIN_S, "the worker")
    assert host_of(pairwise, machine.name)["status"] == "Running"
    wait_for(lambda: "step-waiting" not in browser.get(address).text, JOIN_S, "every stage done")

    again = text_of(browser.post(f"{address}join/ssh/", {"port": "2222"}))
    assert "It is the key that was confirmed before." in again
    join(private_key=sshd.key)
    said("As root, with python3")
    wait_for(lambda: "joined and was given" in text_of(browser.get(f"/monitoring/events/?host={machine.name}"))
             and "was set up again and kept its secret" in text_of(
                 browser.get(f"/monitoring/events/?host={machine.name}")), JOIN_S, "the second join")
    wait_for(lambda: "step-waiting" not in browser.get(address).text, JOIN_S, "every stage done again")

    sshd.stop()
    sshd.new_host_key()
    sshd.start()
    changed = text_of(browser.post(f"{address}join/ssh/", {"port": "2222"}))
    assert "This is another key than the one that was confirmed before" in changed
    join(password=PASSWORD)
    said("shows another host key than the one that was confirmed")

    for path in [*pairwise.data_dir.rglob("*.log"), *machine.file(DIRECTORY).rglob("*.log")]:
        text = path.read_text(errors="replace")
        assert PASSWORD not in text
        assert sshd.key.splitlines()[1] not in text
    assert PASSWORD.encode() not in (pairwise.data_dir / "pairwise.sqlite3").read_bytes()
    machine.paste(f"python3 {DIRECTORY}/current/remove.py")
