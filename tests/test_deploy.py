"""What deploy/ offers is what the console understands, and what the scenario of the scaled-out console runs."""

import re
import shlex

import pytest
import yaml

from console.addresses import addresses
from console.up.main import roles_of
from console.up.redis import BOUNDS, BOUNDS_FOR_OTHERS
from console.up.supervisor import LOOK_S
from protocol.secret_settings import SECRET_SETTINGS, variables
from tests.scenarios.scaled import ROLES
from tests.sources import ROOT
from tests.test_settings_documented import settings_read

DEPLOY = ROOT / "deploy"
OWN = ("console-a", "console-b")
READER = "log-reader"


@pytest.fixture(scope="module")
def services() -> dict:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]


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


def test_the_machines_differ_in_their_own_ports_only_and_publish_them(services):
    first, second = (services[name]["environment"] for name in OWN)
    assert {name for name in first if first[name] != second[name]} == {"PAIRWISE_PORT", "PAIRWISE_CONTROL_PORT"}
    for name in OWN:
        environment = services[name]["environment"]
        for setting in ("PAIRWISE_PORT", "PAIRWISE_CONTROL_PORT"):
            assert f"{environment[setting]}:{environment[setting]}" in services[name]["ports"]


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
