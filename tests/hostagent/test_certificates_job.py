"""The job that writes the certificate of secured ports, in the real frame of jobs on a real directory."""

import dataclasses
import json
import os

import pytest

from hostagent.config import load
from tests.certificates import Certificates

from .doubles import write_config
from .packages import ConsoleDouble
from .test_start_file_jobs import Host

PATH = "/host-api/applications/1/certificate"


@pytest.fixture
def made(tmp_path):
    certificates = Certificates(tmp_path / "authority")
    certificate, key = certificates.issue("127.0.0.1", days=50)
    return {"certificate": certificate.read_text(), "certificate_key": key.read_text(),
            "trusted_ca": certificates.authority.read_text()}


@pytest.fixture
def console(made):
    with ConsoleDouble() as console:
        console.files[PATH] = json.dumps(made).encode()
        yield console


@pytest.fixture
def host(tmp_path, console):
    host = Host(tmp_path)
    host.config = load(write_config(tmp_path, console_url=console.url), {})
    host.context = dataclasses.replace(host.context, config=host.config)
    return host


def make(host):
    return host.run(host.payload("make_certificates", certificate_path=PATH))


def test_certificate_key_and_authority_are_written_for_the_server_alone(host, made):
    final = make(host)
    assert final["state"] == "succeeded", final
    directory = host.directory / "tls"
    modes = {path.name: path.stat().st_mode & 0o777 for path in directory.iterdir()}
    assert modes == {"port.pem": 0o644, "port.key": 0o600, "ca.pem": 0o644}
    assert (directory / "port.key").read_text() == made["certificate_key"]
    assert final["result"]["certificate"] == str(directory / "port.pem")
    assert made["certificate_key"] not in json.dumps(host.reports)
    assert make(host)["state"] == "succeeded"


def test_a_link_that_somebody_put_there_is_not_followed(host, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    os.symlink(elsewhere, host.directory / "tls")
    final = make(host)
    assert (final["state"], "is no directory" in final["reason"]) == ("failed", True), final
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("answer", [b"no JSON", b"{}",
                                    b'{"certificate": "x", "certificate_key": "y", "trusted_ca": "z"}'])
def test_what_is_no_certificate_is_not_believed(host, console, answer):
    console.files[PATH] = answer
    assert make(host)["state"] == "failed"
