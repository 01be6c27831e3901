"""What a provider of single sign-on is asked with: no answer of it takes long, is large or leads elsewhere, as a thread
of web waits for it."""

import time
from typing import Any

from django.conf import settings
from requests import ConnectionError, RequestException, Response, Session, Timeout
from urllib3.exceptions import HTTPError, ReadTimeoutError

from .provider_deadline import Adapter, Cut

LONGEST = 256 * 1024
"""Bytes of an answer."""
PART = 16 * 1024
WITHIN_S = 10
"""So long an answer may take, headers and all, that comes bit by bit."""


class TooMuch(RequestException):
    """The answer is larger than LONGEST."""


class ProviderSession(Session):
    """Raises RequestException."""

    def __init__(self):
        super().__init__()
        self.verify = settings.PAIRWISE_OIDC_CA or True
        self._cut = Cut()
        for scheme in ("http://", "https://"):
            self.mount(scheme, Adapter(self._cut))

    def request(self, method, url, *args: Any, **more: Any) -> Response:
        with self._cut.after(WITHIN_S):
            return self._answered(method, url, *args, **more)

    def _answered(self, method, url, *args: Any, **more: Any) -> Response:
        # What is sent to the provider, the client secret among it, is for nobody to whom it sends it on.
        more |= {"timeout": settings.SOCIALACCOUNT_REQUESTS_TIMEOUT, "stream": True, "allow_redirects": False}
        ends = time.monotonic() + WITHIN_S
        answer = super().request(method, url, *args, **more)
        try:
            answer._content, answer._content_consumed = _read(answer, ends), True
        except ReadTimeoutError:
            raise Timeout(request=answer.request) from None
        except (HTTPError, OSError) as error:
            if isinstance(error, RequestException):
                raise
            raise ConnectionError(request=answer.request) from None
        finally:
            answer.close()
        return answer


def _read(answer: Response, ends: float) -> bytes:
    """All of it, before ``ends`` (monotonic, seconds). Raises TooMuch, Timeout and what urllib3 raises."""
    found = bytearray()
    while part := answer.raw.read1(PART, decode_content=True):
        found += part
        if len(found) > LONGEST:
            raise TooMuch(request=answer.request)
        if time.monotonic() > ends:
            raise Timeout(request=answer.request)
    return bytes(found)
