"""What is missing at a real proxy is said by the check that asks through it, and to people by a page."""

import pytest

from tests.waiting import wait_for
from tests.web import web_environment

from .guides import program
from .proxies import Nginx
from .sites import Behind, Site

__all__ = ["web_environment"]
pytestmark = [pytest.mark.long, pytest.mark.skipif(not program("nginx"), reason="there is no nginx")]
HOST, PROTO = "proxy_set_header Host $http_host;", "proxy_set_header X-Forwarded-Proto https;"
ADDRESS, LARGE = "proxy_set_header X-Forwarded-For $remote_addr;", "client_max_body_size 513m;"


@pytest.fixture(scope="module")
def site(tmp_path_factory, web_environment):
    made = Site(Nginx, tmp_path_factory.mktemp("nginx"), web_environment[0])
    yield made
    made.end()


@pytest.fixture
def configured(site):
    """Has nginx run with another text in place of one of its page."""
    good = site.proxy.file.read_text()

    def become(said: str, instead: str) -> None:
        assert said in good
        site.proxy.end()
        site.proxy.file.write_text(good.replace(said, instead))
        site.proxy.start()

    yield become
    site.proxy.end()
    site.proxy.file.write_text(good)
    site.proxy.start()


def checked(site, **environment) -> tuple[int, str]:
    """(exit code, what the check says)."""
    done = site.run("check", "--deploy", "-t", "pairwise-proxy",
                    **{"SSL_CERT_FILE": str(site.proxy.authority)} | environment)
    return done.returncode, " ".join((done.stdout + done.stderr).split())


@pytest.mark.parametrize(("said", "instead", "ident", "sentence"), [
    (HOST, "", "E038", "told the name pairwise: the proxy in front does not pass on the header Host"),
    (PROTO, "proxy_set_header X-Forwarded-Proto \"\";", "E039", "does not send X-Forwarded-Proto"),
    (PROTO, "", "E039", "passes on the X-Forwarded-Proto of whoever asks"),
    (ADDRESS, "proxy_set_header X-Forwarded-For \"\";", "E040", "does not send X-Forwarded-For"),
    (ADDRESS, "", "E040", "passes on the X-Forwarded-For of whoever asks"),
    (LARGE, "", "W024", "(413)"),
    (LARGE, f"{LARGE} proxy_ignore_headers X-Accel-Buffering;", "W025", "keeps streams until they end")])
def test_what_the_proxy_leaves_out_is_named(site, configured, said, instead, ident, sentence):
    configured(said, instead)
    code, told = checked(site)
    assert (code == 0) is ident.startswith("W"), told
    assert told.count("(pairwise.") == 1, told
    assert (f"pairwise.{ident}" in told, sentence in told) == (True, True), told


@pytest.mark.parametrize(("said", "instead", "status", "sentence"), [
    (HOST, "proxy_set_header Host elsewhere.example;", 400, "asked for as elsewhere.example"),
    (PROTO, "", 400, "does not send the header X-Forwarded-Proto")])
def test_people_are_told_by_a_page_and_programs_by_a_problem(site, configured, said, instead, status, sentence):
    configured(said, instead)
    code, _, page = site.visitor().ask("GET", "/login/", headers={"Accept": "text/html"})
    assert (code, sentence in " ".join(page.decode().split())) == (status, True)
    code, problem = site.program().json("GET", "/applications")
    assert (code, sentence in problem["detail"]) == (status, True)


def test_a_proxy_that_no_setting_names_is_named_with_the_web_process_that_does_not_know_it(site):
    site.webs[1].end()
    other = {**site.environment, "PAIRWISE_TRUSTED_PROXIES": "10.9.9.9"}
    site.webs[1] = Behind(other, site.ports[1])
    try:
        code, told = checked(site)
        assert code == 1
        for part in ("pairwise.E040", "passed on by 127.0.0.1", f"127.0.0.1:{site.ports[1]} alone",
                     "name it in PAIRWISE_TRUSTED_PROXIES"):
            assert part in told
    finally:
        site.webs[1].end()
        site.webs[1] = Behind(site.environment, site.ports[1])


def test_where_nobody_can_be_asked_the_check_says_why_and_soon(site):
    for environment, why in (
            ({"SSL_CERT_FILE": "/dev/null"}, "its certificate is not trusted here"),
            ({"PAIRWISE_CONSOLE_URL": "https://localhost:1"}, "cannot be reached"),
            ({"PAIRWISE_CONSOLE_URL": "https://nowhere.invalid"}, "is not known"),
            ({"PAIRWISE_CONSOLE_URL": f"http://localhost:{site.proxy.plain_port}"}, "leads to https://localhost"),
            ({"PAIRWISE_SECRET_KEY": "another key " * 4}, "does not know this console's key")):
        code, told = checked(site, **environment)
        assert (code, "pairwise.W023" in told, why in told) == (0, True, True), told


def test_a_proxy_that_reaches_no_web_process_is_told_from_one_that_is_silent(site):
    for web in site.webs:
        web.end()
    try:
        wait_for(lambda: site.visitor().ask("GET", "/livez")[0] == 502, 15, "nginx reaches nobody")
        assert "answers 502: it reaches no web process" in checked(site)[1]
    finally:
        site.webs[:] = [Behind(site.environment, port) for port in site.ports]
