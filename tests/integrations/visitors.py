"""Who comes to a console by way of a proxy: from an address of loopback, with cookies, over TLS."""

import http.client
import http.cookies
import json
import ssl
import urllib.parse
import uuid
from contextlib import closing, contextmanager
from pathlib import Path

from tests.web import Stream

TIMEOUT_S = 30


class Visitor:
    """``address`` is where the visitor is, "" for the usual one; ``authority`` verifies the proxy, None for plain."""

    def __init__(self, port: int, *, address: str = "", authority: Path | None = None, token: str = ""):
        self.port, self._address = port, address
        self._context = ssl.create_default_context(cafile=authority) if authority else None
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.cookies: dict[str, str] = {}

    @property
    def is_secured(self) -> bool:
        return self._context is not None

    @property
    def site(self) -> str:
        return f"{'https' if self.is_secured else 'http'}://localhost:{self.port}"

    def _connection(self) -> http.client.HTTPConnection:
        source = (self._address, 0) if self._address else None
        if self._context:
            return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=TIMEOUT_S, source_address=source,
                                               context=self._context)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S, source_address=source)

    def ask(self, method: str, path: str, *, body=None, headers: dict[str, str] | None = None):
        """(status, headers, body)."""
        with closing(self._connection()) as connection:
            connection.request(method, path, body=body, headers=self._all(headers))
            answer = connection.getresponse()
            for text in answer.headers.get_all("Set-Cookie", []):
                self.cookies |= {name: each.value for name, each in http.cookies.SimpleCookie(text).items()}
            return answer.status, answer.headers, answer.read()

    def _all(self, more: dict[str, str] | None) -> dict[str, str]:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return {"Host": f"localhost:{self.port}", **self._headers, **({"Cookie": cookies} if cookies else {}),
                **(more or {})}

    @contextmanager
    def stream(self, path: str):
        with closing(self._connection()) as connection:
            connection.request("GET", path, headers=self._all(None))
            yield Stream(connection.getresponse())

    def json(self, method: str, path: str, body=None, **headers: str):
        """(status, what the API answers)."""
        status, _, text = self.ask(method, f"/api/v1{path}", body=body, headers=headers)
        return status, json.loads(text)

    # --- as a browser does it

    def posts(self, path: str, fields: dict[str, str], *, file: tuple[str, bytes] | None = None,
              headers: dict[str, str] | None = None):
        """The answer to a form that the page at ``path`` showed, with its Origin and its CSRF token."""
        self.ask("GET", path)
        token = next(value for name, value in self.cookies.items() if name.startswith("pairwise_csrf"))
        fields = {"csrfmiddlewaretoken": token, **fields}
        kind, body = _multipart(fields, *file) if file else (
            "application/x-www-form-urlencoded", urllib.parse.urlencode(fields).encode())
        return self.ask("POST", path, body=body, headers={
            "Content-Type": kind, "Origin": self.site, "Referer": f"{self.site}{path}", **(headers or {})})

    def signs_in(self, name: str, password: str, **headers: str) -> int:
        return self.posts("/login/", {"username": name, "password": password}, headers=headers)[0]


def _multipart(fields: dict[str, str], name: str, content: bytes) -> tuple[str, bytes]:
    border = uuid.uuid4().hex
    parts = [f'--{border}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode()
             for field, value in fields.items()]
    parts += [f'--{border}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
              "Content-Type: application/gzip\r\n\r\n".encode(), content, f"\r\n--{border}--\r\n".encode()]
    return f"multipart/form-data; boundary={border}", b"".join(parts)
