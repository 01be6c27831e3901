"""A provider of single sign-on that runs while tests do, and a browser's way there and back."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest

from tests.doubles.oidc_provider import CLIENT, SECRET
from tests.ports import free_port
from tests.sources import ROOT
from tests.waiting import wait_for

BACK = "/login/oidc/callback/"


class OidcProvider:
    """The process; ``tell`` says who comes next, and what goes wrong."""

    def __init__(self):
        self.port = free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.process = subprocess.Popen([sys.executable, "-m", "tests.doubles.oidc_provider", str(self.port)], cwd=ROOT)
        wait_for(self._answers, 20)

    def _answers(self) -> bool:
        try:
            return bool(self.ask("/jwks"))
        except urllib.error.URLError:
            return False

    def ask(self, path: str, body: dict | None = None):
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(f"{self.issuer}{path}", data=data, timeout=5) as answer:
            return json.load(answer)

    def tell(self, **told) -> None:
        self.ask("/test", told)

    def heard(self) -> list[str]:
        """Paths that were asked since it was told something."""
        return self.ask("/test")[:-1]

    def person(self, name="rita", *, sub="", groups=("pw-ops",), **more) -> None:
        """Comes next; ``groups`` None: the claim is not there."""
        claims = {"sub": sub or f"id-of-{name}", "preferred_username": name}
        self.tell(claims=claims | ({} if groups is None else {"groups": groups if isinstance(groups, str) else
                                                                 list(groups)}), **more)

    def end(self) -> None:
        self.process.kill()
        self.process.wait(10)


@pytest.fixture(scope="module")
def oidc_process():
    provider = OidcProvider()
    yield provider
    provider.end()


@pytest.fixture
def oidc(oidc_process, settings):
    """Set up here, with two groups that have a role."""
    settings.PAIRWISE_OIDC_URL, settings.PAIRWISE_OIDC_CLIENT_ID = oidc_process.issuer, CLIENT
    settings.PAIRWISE_OIDC_CLIENT_SECRET, settings.PAIRWISE_OIDC_NAME = SECRET, "Example SSO"
    settings.PAIRWISE_OIDC_ROLES = "pw-admins=Administrator, pw-ops=Operator"
    oidc_process.tell()
    return oidc_process


def go(client, *, following: str = ""):
    """The answer to who comes back from the provider; ``following`` is the page that was asked for before."""
    onward = client.post("/login/oidc/", {"next": following})
    if "Refresh" not in onward.headers:
        return onward
    address = onward["Refresh"].removeprefix("0; url=")
    with pytest.raises(urllib.error.HTTPError) as answer:
        _opener.open(address, timeout=5)
    back = urlsplit(answer.value.headers["Location"])
    assert (answer.value.code, back.path) == (302, BACK)
    answer.value.close()
    return client.get(f"{back.path}?{back.query}")


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


_opener = urllib.request.build_opener(_Stay)
