"""A real nginx and a real HAProxy, each as its page says, and the balancer of deploy/compose.yaml, in front of two real
web processes of one console on different ports."""

import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import time

import pytest
import redis

from provisioning.core.signals import STREAM
from tests.hostagent.packages import build_package, files_of
from tests.waiting import wait_for
from tests.web import web_environment

from .guides import program
from .proxies import KINDS, Haproxy
from .sites import NAME, PASSWORD, Behind, Site
from .visitors import Visitor

__all__ = ["web_environment"]
pytestmark = pytest.mark.long

HERE, INVENTED = "127.0.0.9", "198.51.100.66"
PACKAGE_BYTES = 6 * 1024 * 1024


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.name)
def site(request, tmp_path_factory, web_environment):
    if not program(request.param.program):
        pytest.skip(f"there is no {request.param.program}")
    made = Site(request.param, tmp_path_factory.mktemp(request.param.name), web_environment[0])
    yield made
    made.end()


@pytest.fixture
def changes(valkey):
    with contextlib.closing(redis.Redis.from_url(valkey, decode_responses=True)) as client:
        yield lambda topic: client.xadd(STREAM, {"topic": topic})


def newest_sign_in(site) -> dict:
    return site.program().json("GET", "/history?action=sign_in&limit=1")[1]["items"][0]


def test_its_own_check_finds_no_fault_in_the_example(site):
    assert "warn" not in site.proxy.check().lower()


def test_people_sign_in_over_https_and_history_has_their_address_not_what_they_claim(site):
    visitor = site.visitor(HERE)
    assert visitor.signs_in(NAME, PASSWORD, **{"X-Forwarded-For": INVENTED, "X-Forwarded-Proto": "http"}) == 302
    assert visitor.ask("GET", "/monitoring/events/")[0] == 200
    entry = newest_sign_in(site)
    assert (entry["user"], entry["origin"]) == (NAME, HERE)
    secure = site.visitor().ask("GET", "/login/")[1]
    assert "Secure" in secure["Set-Cookie"]
    assert "max-age" in secure["Strict-Transport-Security"]


def test_what_comes_past_the_proxy_is_not_believed(site):
    # Of one address the first that is refused within a minute is told at once.
    address = f"127.0.1.{len(site.proxy.name)}"
    past = site.past_the_proxy(address)
    if not past.is_secured:
        status, _, page = past.ask("GET", "/login/", headers={
            "X-Forwarded-For": INVENTED, "X-Forwarded-Proto": "https", "Accept": "text/html"})
        assert (status, f"forwarded by {address}" in page.decode()) == (400, True)
    assert past.signs_in(NAME, "a wrong password") == 200
    entry = newest_sign_in(site)
    assert (entry["user"], entry["origin"]) == ("not signed in", address)


@pytest.mark.timeout(300)
def test_the_check_that_asks_through_it_finds_nothing_missing(site):
    said = site.manage("check", "--deploy", "-t", "pairwise-proxy", SSL_CERT_FILE=str(site.proxy.authority))
    assert "no issues" in said


def test_cookies_are_the_same_whichever_web_process_answers(site):
    visitor = site.visitor()
    assert visitor.signs_in(NAME, PASSWORD) == 302
    assert [visitor.ask("GET", "/monitoring/events/")[0] for _ in range(6)] == [200] * 6
    assert visitor.posts("/account/display/", {"theme": "dark"})[0] in (200, 204, 302)
    named = {name for name in visitor.cookies if any(part.isdigit() for part in name.split("_"))}
    assert len(named) >= 3
    assert {name.split("_")[2] for name in named} == {str(site.proxy.port)}


def test_a_form_of_another_site_is_refused(site):
    visitor = site.visitor()
    headers = {"Origin": "https://elsewhere.example.com", "Referer": "https://elsewhere.example.com/"}
    assert visitor.signs_in(NAME, PASSWORD, **headers) == 403


def test_http_leads_to_https(site):
    status, headers, _ = Visitor(site.proxy.plain_port).ask("GET", "/monitoring/?a=b")
    assert status == 301
    assert headers["Location"].startswith("https://localhost")
    assert headers["Location"].endswith("/monitoring/?a=b")


def test_a_browser_gets_http_2_and_signs_in_with_it(site, tmp_path):
    context = ssl.create_default_context(cafile=site.proxy.authority)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with socket.create_connection(("127.0.0.1", site.proxy.port)) as plain, \
            context.wrap_socket(plain, server_hostname="localhost") as secured:
        assert secured.selected_alpn_protocol() == "h2"
    if not shutil.which("curl"):
        pytest.skip("there is no curl")
    curl = ["curl", "-sS", "--http2", "--cacert", str(site.proxy.authority), "-b", tmp_path / "jar", "-c",
            tmp_path / "jar", "-o", os.devnull, "-w", "%{http_version} %{http_code}"]
    at = f"https://localhost:{site.proxy.port}"
    assert _said(*curl, f"{at}/login/") == "2 200"
    token = (tmp_path / "jar").read_text().partition("pairwise_csrf")[2].split()[1]
    assert _said(*curl, "-H", f"Origin: {at}", "-H", f"Referer: {at}/login/", "--data-urlencode", f"username={NAME}",
                 "--data-urlencode", f"password={PASSWORD}", "-d", f"csrfmiddlewaretoken={token}",
                 f"{at}/login/") == "2 302"


def _said(*command) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout


@pytest.mark.parametrize("path", ["/stream/", "/api/v1/stream?topics=jobs"])
def test_what_happens_arrives_within_a_second(site, changes, path):
    visitor = site.program() if path.startswith("/api/") else site.visitor()
    if not path.startswith("/api/"):
        assert visitor.signs_in(NAME, PASSWORD) == 302
    with visitor.stream(path) as stream:
        assert stream.status == 200
        assert stream.next()["event"] == "ready"
        for _ in range(3):
            began = time.monotonic()
            changes("jobs")
            while "jobs" not in (stream.next()["data"] or ()):
                pass
            assert time.monotonic() - began < 1


DESCRIPTION = """<InstallationPackage FormatVersion="4.0"><Product AppClass="MessageServer">
<Release Version="{version}"/><Name><Long>Message Server</Long><Nickname>MessageServer</Nickname></Name>
<Language LocaleId="ENU"/></Product><Platforms OSGroupName="linux"><Computer><OS Name="Linux"/></Computer></Platforms>
</InstallationPackage>"""


def test_packages_of_several_megabytes_come_through_by_the_page_and_by_the_api(site, tmp_path):
    visitor = site.visitor(HERE)
    assert visitor.signs_in(NAME, PASSWORD) == 302
    for number, way in enumerate(("page", "api")):
        version = f"8.5.{number}{len(site.proxy.name)}.01"
        content = build_package(tmp_path / "package.tar.gz", files_of(**{
            "ip_description.xml": DESCRIPTION.format(version=version).encode(),
            "lib/data.bin": os.urandom(PACKAGE_BYTES)})).read_bytes()
        assert len(content) > PACKAGE_BYTES
        if way == "page":
            status = visitor.posts("/provisioning/environment/packages/import/", {}, file=("p.tar.gz", content))[0]
            assert status in (200, 302)
        else:
            status, answer = site.program(HERE).json(
                "POST", "/packages?file_name=p.tar.gz", body=content, **{"Content-Type": "application/octet-stream"})
            assert status == 201, answer
        assert version in {each["version"] for each in site.program().json("GET", "/packages")[1]["items"]}
    entry = site.program().json("GET", "/history?object_type=package&limit=1")[1]["items"][0]
    assert entry["origin"] == f"token {site.proxy.name} from {HERE}"


def test_a_large_body_of_a_stranger_is_refused_by_the_console_and_in_its_words(site):
    path = "/provisioning/environment/packages/import/"
    status, _, body = site.visitor().ask("POST", path, body=bytes(PACKAGE_BYTES))
    assert (status, b"sign in, then send it again" in body) == (413, True)


MAKE_HOST = """
from tests.factories import make_application, make_host
host = make_host("{name}", ip_address="192.0.2.{number}")
make_application("{name}", host=host, installed=True, working_directory="/srv/{name}")
host.runtime.facts = {{"looks": True}}
host.runtime.save()
"""


def test_a_request_that_waits_is_answered_when_its_time_is_over(site):
    name = site.proxy.name
    site.manage("shell", "-v0", "-c", MAKE_HOST.format(name=name, number=len(name)))
    began = time.monotonic()
    status, answer = site.program().json("POST", f"/hosts/{name}/look?wait=2")
    assert status == 202, answer
    assert answer["active"]
    assert 2 <= time.monotonic() - began < 10


def test_a_web_process_that_ends_is_asked_nothing_more(site):
    assert site.visitor().ask("GET", "/livez")[0] == 200
    site.webs[1].end()
    try:
        assert [site.visitor().ask("GET", "/livez")[0] for _ in range(8)] == [200] * 8
        assert site.visitor().signs_in(NAME, PASSWORD) == 302
        if isinstance(site.proxy, Haproxy):
            wait_for(lambda: "b" in site.proxy.left_out(), 15, "HAProxy leaves it out")
    finally:
        site.webs[1] = Behind(site.environment, site.webs[1].port)


def test_while_control_is_silent_pages_are_there_and_say_so(site):
    silent = site.data_dir / "control-is-silent"
    silent.touch()
    try:
        wait_for(lambda: site.visitor().ask("GET", "/readyz")[0] == 503, 30, "readyz says that it is not ready")
        if isinstance(site.proxy, Haproxy):
            wait_for(lambda: {"a", "b"} <= site.proxy.left_out(), 30, "HAProxy leaves both out")
        assert site.visitor().ask("GET", "/login/")[0] == 200
    finally:
        silent.unlink()


def test_the_key_of_a_wall_display_is_in_no_log_of_the_proxy(site):
    wall = "/monitoring/wall/key-of-a-wall/"
    assert site.visitor().ask("GET", wall)[0] in (200, 302, 403, 404)
    assert Visitor(site.proxy.plain_port).ask("GET", wall)[0] == 301
    site.webs[1].end()
    try:
        # One of them goes to a web process that is not there.
        for _ in range(4):
            assert site.visitor().ask("GET", wall)[0] in (200, 302, 403, 404)
    finally:
        site.webs[1] = Behind(site.environment, site.webs[1].port)
    site.visitor().ask("GET", "/livez?noted=1")
    logs = list(site.proxy.directory.glob("*.log"))
    wait_for(lambda: any("noted=1" in path.read_text() for path in logs), 10, "what is noted")
    assert not any("key-of-a-wall" in path.read_text() for path in logs)
