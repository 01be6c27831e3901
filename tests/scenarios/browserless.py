"""What a browser without JavaScript does: cookies, forms, the CSRF token."""

import http.cookiejar
import json
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_S = 20


@dataclass(frozen=True)
class Answer:
    status: int
    url: str
    text: str


class Browserless:
    """``get`` and ``post`` follow redirects and return an Answer for every HTTP status. ``authority`` (a file) is the
    one that the console is verified by."""

    def __init__(self, address: str, authority: Path | None = None):
        self.address = address
        self._jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self._jar),
            urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=authority)))

    def get(self, path: str) -> Answer:
        return self._send(urllib.request.Request(self.address + path))

    def post(self, path: str, fields: dict | list[tuple[str, str]]) -> Answer:
        request = urllib.request.Request(self.address + path, data=urllib.parse.urlencode(fields, doseq=True).encode())
        request.add_header("X-CSRFToken", self._token())
        request.add_header("Referer", self.address + path)
        return self._send(request)

    def json(self, path: str) -> tuple[int, dict]:
        answer = self.get(path)
        return answer.status, json.loads(answer.text)

    def sign_in(self, name: str, password: str) -> Answer:
        page = self.get("/login/")
        assert page.status == 200, page
        answer = self.post("/login/", {"username": name, "password": password})
        assert answer.status == 200, answer
        assert "/login/" not in answer.url, re.sub(r"<[^>]+>|\s+", " ", answer.text)[:500]
        return answer

    def _token(self) -> str:
        return next((cookie.value for cookie in self._jar if cookie.name.startswith("pairwise_csrf")), "")

    def _send(self, request: urllib.request.Request) -> Answer:
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as response:
                return Answer(response.status, response.url, response.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.url, error.read().decode())
