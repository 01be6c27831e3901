"""Fetching from a console that speaks HTTPS: what it is verified by is what agent.json names."""

import pytest

from hostagent.config import load
from hostagent.jobs.errors import JobFailed
from hostagent.jobs.fetch import Package, fetch_package, fetch_secret
from protocol.tls import Identity
from tests.certificates import Certificates

from .doubles import write_config
from .packages import ConsoleDouble


@pytest.fixture
def certificates(tmp_path):
    return Certificates(tmp_path / "tls")


@pytest.fixture
def console(request, certificates):
    names, days = getattr(request, "param", (["127.0.0.1"], 100))
    with ConsoleDouble(Identity(*certificates.issue(*names, days=days)).context) as console:
        yield console


def config_for(tmp_path, console, authority):
    config = load(write_config(tmp_path, console_url=console.url, console_ca_file=str(authority)), {})
    config.packages_dir.mkdir(parents=True, exist_ok=True)
    return config


def package_of(tmp_path, console) -> Package:
    path = tmp_path / "IP.tar.gz"
    path.write_bytes(bytes(range(256)) * 4000)
    return Package.of(console.serve(path))


def test_packages_come_over_https(tmp_path, console, certificates):
    package = package_of(tmp_path, console)
    found = fetch_package(config_for(tmp_path, console, certificates.authority), package, print)
    assert found.read_bytes() == console.files[package.path]


@pytest.mark.parametrize(("console", "sentence"), [
    ((["localhost"], 100), "its certificate is not for 127.0.0.1"),
    ((["127.0.0.1"], -1), "its certificate has expired"),
], indirect=["console"])
def test_nothing_is_fetched_from_a_console_with_a_wrong_certificate(tmp_path, console, certificates, sentence):
    config, package = config_for(tmp_path, console, certificates.authority), package_of(tmp_path, console)
    for fetch in (lambda: fetch_package(config, package, print), lambda: fetch_secret(config, "/secret")):
        with pytest.raises(JobFailed, match=sentence):
            fetch()
    assert console.ranges == []


@pytest.mark.parametrize("named", [True, False])
def test_nothing_is_fetched_from_a_console_of_another_authority(tmp_path, console, named):
    other = Certificates(tmp_path / "other").authority if named else ""
    with pytest.raises(JobFailed, match="not from the authority that is trusted here"):
        fetch_package(config_for(tmp_path, console, other), package_of(tmp_path, console), print)
    assert console.ranges == []
