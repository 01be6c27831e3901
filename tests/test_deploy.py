"""What deploy/ offers is what the console understands, and what the scenario of the scaled-out console runs."""

import re
import runpy
import shlex
import shutil
import subprocess
from ipaddress import ip_address, ip_network
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from django.conf import settings

from console.addresses import addresses
from console.up.main import roles_of
from console.up.redis import BOUNDS, BOUNDS_FOR_OTHERS
from console.up.supervisor import LOOK_S
from protocol.secret_settings import SECRET_SETTINGS, variables
from tests.certificates import Certificates
from tests.scenarios.scaled import ROLES
from tests.sources import ROOT
from tests.test_settings_documented import settings_read
from tests.waiting import wait_for

DEPLOY = ROOT / "deploy"
OWN = ("console-a", "console-b")
READER = "log-reader"
BALANCER = "balancer"
make_secrets = SimpleNamespace(**runpy.run_path(str(DEPLOY / "make_secrets.py")))


def whole() -> dict:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def balancing() -> str:
    return (DEPLOY / "haproxy.cfg").read_text()


@pytest.fixture(scope="module")
def services() -> dict:
    return whole()["services"]


def example() -> dict[str, str]:
    lines = (DEPLOY / "console.env.example").read_text().splitlines()
    return dict(line.removeprefix("# ").split("=", 1) for line in lines if re.match(r"(# )?PAIRWISE_\w+=", line))


def test_every_setting_exists(services):
    known = settings_read() | {each for name in SECRET_SETTINGS for each in variables(name)}
    for environment in (*(services[name]["environment"] for name in (*OWN, READER)), example()):
        assert {name for name in environment if name.startswith("PAIRWISE_")} - known == set()


def test_both_run_the_roles_that_the_scenario_runs(services):
    for environment in (*(services[name]["environment"] for name in OWN), example()):
        assert roles_of(environment["PAIRWISE_ONLY"]) - {READER} == roles_of(ROLES)


def test_one_reads_log_records_and_all_know_their_database(services):
    consoles = {name: service["environment"] for name, service in services.items() if "build" in service}
    reading = {name for name, environment in consoles.items() if READER in roles_of(environment["PAIRWISE_ONLY"])}
    assert (consoles.keys(), reading) == ({*OWN, READER}, {READER})
    setting = "PAIRWISE_LOG_DATABASE_URL_FILE"
    assert {environment[setting] for environment in consoles.values()} == {"/run/secrets/log_database_url"}
    assert READER in roles_of(example()["PAIRWISE_ONLY"])
    assert setting in example()


def test_log_records_have_a_database_of_their_own(services):
    made = re.findall(r"postgres://(\w+):{database}@([\w-]+)/(\w+)", (DEPLOY / "make_secrets.py").read_text())
    for user, host, name in made:
        environment = services[host]["environment"]
        assert (environment["POSTGRES_USER"], environment["POSTGRES_DB"]) == (user, name)
        assert host in services[READER]["depends_on"]
    assert len({services[host]["volumes"][0] for _, host, _ in made}) == len(made) == 2


def test_every_command_is_up(services):
    assert {tuple(services[name]["command"]) for name in (*OWN, READER)} == {("up",)}
    assert 'ENTRYPOINT ["python", "manage.py"]' in (DEPLOY / "Dockerfile").read_text()
    [start] = re.findall(r"^ExecStart=(.*)$", (DEPLOY / "pairwise-console.service").read_text(), re.MULTILINE)
    assert shlex.split(start)[1:] == ["manage.py", "up"]


def test_the_image_can_ask_directories_and_has_no_tools_to_build_that():
    text = (DEPLOY / "Dockerfile").read_text()
    building, _, image = text.rpartition("\nFROM ")
    assert "requirements-ldap.txt" in building
    assert "libldap-2.5-0" in image
    assert "gcc" not in image


def test_redis_has_the_bounds_of_the_embedded_one(services):
    words = [str(each) for each in services["redis"]["command"]]
    for bounds in (BOUNDS, BOUNDS_FOR_OTHERS):
        assert " ".join(bounds) in " ".join(words)
    assert "--maxmemory" in words


def test_systemd_watches_the_one_that_says_that_it_runs():
    unit = dict(re.findall(r"^(\w+)=(.*)$", (DEPLOY / "pairwise-console.service").read_text(), re.MULTILINE))
    assert unit["Type"] == "notify"
    assert int(unit["WatchdogSec"]) > 10 * LOOK_S


def test_the_machines_differ_in_the_port_of_control_only_and_publish_nothing_else(services):
    first, second = (services[name]["environment"] for name in OWN)
    assert {name for name in first if first[name] != second[name]} == {"PAIRWISE_CONTROL_PORT"}
    for name in OWN:
        port = services[name]["environment"]["PAIRWISE_CONTROL_PORT"]
        assert services[name]["ports"] == [f"{port}:{port}"]


# --- the balancer (that it works: tests/integrations/test_proxies.py)


def test_the_address_of_the_console_is_the_balancers(services):
    address = services["console-a"]["environment"]["PAIRWISE_CONSOLE_URL"]
    assert address == "https://${PAIRWISE_ADDRESS:?}"
    listening = dict(re.findall(r"bind :(\d+)( ssl)?", balancing()))
    published = dict(port.split(":") for port in services[BALANCER]["ports"])
    assert {outside: bool(listening[inside]) for outside, inside in published.items()} == {"443": True, "80": False}


def test_the_balancer_asks_every_web_process_where_it_listens(services):
    for name in OWN:
        environment = services[name]["environment"]
        assert environment["PAIRWISE_WEB_TLS"] == "on"
        assert f" {name}:{environment.get('PAIRWISE_PORT', settings.PAIRWISE_PORT)} check" in balancing()
    assert "default-server ssl verify required" in balancing()


def test_what_the_balancer_says_of_a_request_is_believed_and_of_nobody_else(services):
    networks = whole()["networks"]
    [given] = networks["default"]["ipam"]["config"]
    [trusted] = {services[name]["environment"]["PAIRWISE_TRUSTED_PROXIES"] for name in (*OWN, READER)}
    assert services[BALANCER]["networks"]["default"]["ipv4_address"] == trusted
    assert ip_address(trusted) in ip_network(given["subnet"])
    assert ip_address(trusted) not in ip_network(given["ip_range"])


def test_the_balancer_finds_its_files_and_may_read_them(services):
    balancer, there = services[BALANCER], whole()
    names = {each if isinstance(each, str) else each["target"] for each in balancer["secrets"]}
    sources = {each if isinstance(each, str) else each["source"] for each in balancer["secrets"]}
    assert sources <= there["secrets"].keys()
    assert set(re.findall(r"/run/secrets/([\w.]+)", balancing())) | {"console.pem.key"} == names
    # deploy/make_secrets.py gives all of them to the account of the consoles.
    assert balancer["user"] == f"{make_secrets.CONSOLE}:{make_secrets.CONSOLE}"
    assert all(there["secrets"][name]["file"].startswith("./secrets/console/") for name in sources)
    [config] = balancer["configs"]
    assert (DEPLOY / there["configs"][config["source"]]["file"]).read_text() == balancing()
    assert set(re.findall(r"\$\{(\w+)\}", balancing())) == set(balancer["environment"])


def test_every_variable_that_is_asked_for_is_documented():
    asked = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text()))
    text = (ROOT / "docs/scaling-out.md").read_text()
    assert asked == {name for name in asked if f"`{name}=`" in text}


def test_the_page_about_several_machines_shows_the_settings_of_the_example():
    shown = (ROOT / "docs/scaling-out.md").read_text().partition("```\n")[2].partition("```")[0]
    given = re.compile(r"^ *(PAIRWISE_\w+=.*)$", re.MULTILINE)
    assert set(given.findall(shown)) == set(given.findall((DEPLOY / "console.env.example").read_text()))


@pytest.mark.long
def test_docker_builds_and_runs_it(tmp_path):
    if not docker("info"):
        pytest.skip("there is no Docker that answers")
    project = copied(tmp_path)
    try:
        assert docker("compose", "up", "-d", "--build", "--wait", project=project)
        wait_for(lambda: "\"ok\"" in docker("compose", "exec", "-T", "console-a", "python", "-c", ASK, project=project),
                 120, "an answer through the balancer")
    finally:
        docker("compose", "down", "-v", "--timeout", "20", project=project)


MACHINE = "172.31.250.1"
"""This one, as the containers reach it: the gateway of their network."""
ASK = ("import ssl, urllib.request; print(urllib.request.urlopen('https://balancer:8443/livez', "
       "context=ssl._create_unverified_context(), timeout=5).read().decode())")


def copied(directory) -> Path:
    """The repository with secrets and certificates of its own; the directory of its compose.yaml."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, tracked.split("\0")):
        (directory / "made" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, directory / "made" / name)
    secrets, certificates = directory / "made/deploy/secrets", Certificates(directory / "authority")
    make_secrets.make(secrets, MACHINE)
    for folder, stem in (("console", "console"), ("stores", "redis")):
        certificate, key = certificates.issue(MACHINE, "localhost")
        shutil.copy(certificate, secrets / folder / f"{stem}.pem")
        shutil.copy(key, secrets / folder / f"{stem}.key")
        shutil.copy(certificates.authority, secrets / folder / "ca.pem")
    assert make_secrets.give_certificates(secrets) == []
    (directory / "made/deploy/.env").write_text(f"PAIRWISE_ADDRESS={MACHINE}\n")
    return directory / "made/deploy"


def docker(*words: str, project: Path | None = None) -> str:
    """What it says; "" when it fails, or there is none."""
    if not shutil.which("docker"):
        return ""
    done = subprocess.run(["docker", *words], cwd=project, capture_output=True, text=True, timeout=1200)
    return (done.stdout or done.stderr or "done") if done.returncode == 0 else ""


def test_the_controls_are_those_that_are_published(services):
    text = re.sub(r"\$\{[^}]*\}", "console", services["console-a"]["environment"]["PAIRWISE_CONTROLS"])
    assert addresses(text) == tuple(("console", int(services[name]["environment"]["PAIRWISE_CONTROL_PORT"]))
                                    for name in OWN)
    assert len(addresses(example()["PAIRWISE_CONTROLS"])) == 2


def test_volumes_and_files_are_there(services):
    volumes = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["volumes"]
    for service in services.values():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert source in volumes
    build = services["console-a"]["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()
