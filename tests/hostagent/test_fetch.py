"""Fetching from the console over a real HTTP server that cuts, fails and lies."""

import pytest

from hostagent.config import load
from hostagent.jobs import fetch
from hostagent.jobs.errors import JobFailed
from hostagent.jobs.fetch import Package, fetch_package, fetch_secret
from protocol.tls import Identity
from tests.certificates import Certificates
from tests.ports import free_port

from .doubles import write_config
from .packages import ConsoleDouble


@pytest.fixture
def console():
    with ConsoleDouble() as console:
        yield console


@pytest.fixture
def config(tmp_path, console):
    config = load(write_config(tmp_path, console_url=console.url), {})
    config.packages_dir.mkdir(parents=True)
    return config


@pytest.fixture
def package(tmp_path, console):
    return package_of(tmp_path, console)


def package_of(tmp_path, console) -> Package:
    path = tmp_path / "IP.tar.gz"
    path.write_bytes(bytes(range(256)) * 4000)
    return Package.of(console.serve(path))


def test_a_package_is_fetched_checked_and_kept(config, console, package):
    said = []
    path = fetch_package(config, package, said.append)
    assert path.read_bytes() == console.files[package.path]
    assert fetch_package(config, package, said.append) == path
    assert console.ranges == [""]
    assert "is on this host already" in said[-1]


def test_a_cut_download_goes_on_where_it_was_cut(config, console, package):
    console.cuts, console.cut_after = 2, 300_000
    said = []
    assert fetch_package(config, package, said.append).read_bytes() == console.files[package.path]
    assert console.ranges == ["", "bytes=300000-", "bytes=600000-"]
    assert any("was cut at 300000 of 1024000 bytes" in line for line in said)


def test_a_download_resumes_after_the_worker_was_restarted(config, console, package, monkeypatch):
    monkeypatch.setattr(fetch, "ATTEMPTS", 1)
    console.cuts, console.cut_after = 1, 300_000
    with pytest.raises(JobFailed, match="cannot be reached"):
        fetch_package(config, package, print)
    fetch_package(config, package, print)
    assert console.ranges == ["", "bytes=300000-"]


def test_a_console_that_fails_for_a_moment_is_asked_again(config, console, package):
    console.failures = 2
    assert fetch_package(config, package, print)


def test_attempts_are_bounded(config, console, package, monkeypatch):
    monkeypatch.setattr(fetch, "FIRST_RETRY_S", 0.001)
    console.failures = 100
    with pytest.raises(JobFailed, match=r"cannot be reached .* 503"):
        fetch_package(config, package, print)
    assert console.failures == 100 - fetch.ATTEMPTS


def test_a_tampered_package_is_refused_with_what_was_expected_and_found(config, console, package):
    console.files[package.path] = b"x" * package.size
    with pytest.raises(JobFailed, match=rf"expected SHA-256 {package.sha256}, found [0-9a-f]{{64}}"):
        fetch_package(config, package, print)
    assert [path.suffix for path in config.packages_dir.iterdir()] == [".lock"]


def test_a_kept_package_that_was_changed_on_this_host_is_fetched_again(config, console, package):
    path = fetch_package(config, package, print)
    path.write_bytes(b"x" * package.size)
    assert fetch_package(config, package, print).read_bytes() == console.files[package.path]


def test_an_answer_that_is_too_long_is_cut_off(config, console, package):
    console.files[package.path] += b"more"
    with pytest.raises(JobFailed, match="larger than the console promised"):
        fetch_package(config, package, print)


def test_a_host_that_signs_with_another_secret_is_told_so(config, console, package, tmp_path):
    stranger = load(write_config(tmp_path / "s", console_url=console.url, secret="a guess"), {})
    stranger.packages_dir.mkdir(parents=True)
    with pytest.raises(JobFailed, match=r"refused this host's request \(HTTP 403\): Set the clocks\.$"):
        fetch_package(stranger, package, print)
    assert console.refused == 1


def test_what_the_console_does_not_have_is_named(config, console, package):
    console.files.clear()
    with pytest.raises(JobFailed, match=f"does not have {package.path}"):
        fetch_package(config, package, print)


def test_a_console_that_is_away_is_named(tmp_path, package, monkeypatch):
    monkeypatch.setattr(fetch, "FIRST_RETRY_S", 0.001)
    port = free_port()
    config = load(write_config(tmp_path / "away", console_url=f"http://127.0.0.1:{port}"), {})
    config.packages_dir.mkdir(parents=True)
    with pytest.raises(JobFailed, match=f"http://127.0.0.1:{port} cannot be reached"):
        fetch_package(config, package, print)


@pytest.mark.parametrize("change", [{"sha256": "../../x"}, {"sha256": "0" * 63 + "/"}, {"size": 0}, {"size": 10**12}])
def test_a_package_without_usable_size_and_digest_is_refused(change):
    with pytest.raises(JobFailed, match="size and SHA-256"):
        Package.of({"path": "/p", "filename": "p", "sha256": "0" * 64, "size": 1, **change})


def test_only_the_latest_packages_are_kept(config, console, tmp_path):
    for number in range(fetch.KEPT_PACKAGES + 2):
        path = tmp_path / f"p{number}.tar.gz"
        path.write_bytes(bytes([number]))
        fetch_package(config, Package.of(console.serve(path)), print)
    assert len(list(config.packages_dir.glob("*.package"))) == fetch.KEPT_PACKAGES


def test_the_applications_secret_is_fetched_with_the_hosts_signature(config, console):
    console.files["/secret/7"] = b"hunter2\n"
    assert fetch_secret(config, "/secret/7") == "hunter2"


@pytest.mark.parametrize("body", [b"", b"two\nlines", b"x" * 5000])
def test_what_is_no_secret_is_refused_and_not_repeated(config, console, body):
    console.files["/secret/7"] = body
    with pytest.raises(JobFailed, match="no application secret"):
        fetch_secret(config, "/secret/7")


# --- from a console that speaks HTTPS: what it is verified by is what agent.json names


@pytest.fixture
def secured(request, certificates):
    names, days = getattr(request, "param", (["127.0.0.1"], 100))
    with ConsoleDouble(Identity(*certificates.issue(*names, days=days)).context) as console:
        yield console


def config_for(tmp_path, console, authority):
    config = load(write_config(tmp_path, console_url=console.url, console_ca_file=str(authority)), {})
    config.packages_dir.mkdir(parents=True, exist_ok=True)
    return config


def test_packages_come_over_https(tmp_path, secured, certificates):
    package = package_of(tmp_path, secured)
    found = fetch_package(config_for(tmp_path, secured, certificates.authority), package, print)
    assert found.read_bytes() == secured.files[package.path]


@pytest.mark.parametrize(("secured", "sentence"), [
    ((["localhost"], 100), "its certificate is not for 127.0.0.1"),
    ((["127.0.0.1"], -1), "its certificate has expired"),
], indirect=["secured"])
def test_nothing_is_fetched_from_a_console_with_a_wrong_certificate(tmp_path, secured, certificates, sentence):
    config, package = config_for(tmp_path, secured, certificates.authority), package_of(tmp_path, secured)
    for ask in (lambda: fetch_package(config, package, print), lambda: fetch_secret(config, "/secret")):
        with pytest.raises(JobFailed, match=sentence):
            ask()
    assert secured.ranges == []


@pytest.mark.parametrize("named", [True, False])
def test_nothing_is_fetched_from_a_console_of_another_authority(tmp_path, secured, named):
    other = Certificates(tmp_path / "other").authority if named else ""
    with pytest.raises(JobFailed, match="not from the authority that is trusted here"):
        fetch_package(config_for(tmp_path, secured, other), package_of(tmp_path, secured), print)
    assert secured.ranges == []
