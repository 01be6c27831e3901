"""What target hosts ask the console for: the file of an Installation Package and the secret of an application.

No session: every request is signed with the host's own secret (``protocol.auth.request_headers``).
"""

import functools
import logging
import re
import threading
import time
from datetime import timedelta

from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from protocol import auth
from protocol.jobs import SIGNED_WITHIN_S
from provisioning.catalog.stored import stored_file
from provisioning.certificates.services import issue_certificate
from provisioning.core import refusals as recorded
from provisioning.errors import Refused
from provisioning.models import Application, Host, InstallationPackage, Job
from provisioning.states import JobKind
from provisioning.web.ranges import Unsatisfiable, chunks, parse_range

log = logging.getLogger(__name__)
NOT_SIGNED = ("The signature of this request is missing or wrong. Check the host's name and secret in agent.json, and "
              "that the host is enabled; an agent older than the console needs Upgrade Agent on the host's page.")
LOG_EVERY_S = 10.0
JOB_AGE = timedelta(hours=48)
"""As long as a host takes a job (hostagent.jobs.frame.LONGEST_AGE_S)."""


class BoundedLog:
    """At most one line every ``LOG_EVERY_S``; the next one says how many were left out."""

    def __init__(self):
        self._lock, self._next_at, self._left_out = threading.Lock(), 0.0, 0

    def warning(self, text: str, now: float | None = None) -> bool:
        """Write ``text`` unless a line was written a moment ago; True when it was written."""
        now = time.monotonic() if now is None else now
        with self._lock:
            if now < self._next_at:
                self._left_out += 1
                return False
            left_out, self._left_out, self._next_at = self._left_out, 0, now + LOG_EVERY_S
        log.warning("%s%s", text, f" ({left_out} more since the last such line)" if left_out else "")
        return True


refusals = BoundedLog()


def sentence(text: str, status: int, **headers: str) -> HttpResponse:
    return HttpResponse(text + "\n", status=status, content_type="text/plain; charset=utf-8", headers=headers)


def signing_host(request) -> tuple[Host | None, str]:
    """The enabled host that signed this request with all that it sends, "" ; or None, and a sentence that says why."""
    name, at = request.headers.get("X-Pairwise-Host", ""), request.headers.get("X-Pairwise-At", "")
    host = Host.objects.filter(name=name, enabled=True).first()
    # An unknown host costs as much time as a known one, so that names cannot be guessed by the clock.
    secret = host.secret if host else auth.new_secret()
    query = request.META.get("QUERY_STRING", "")
    expected = auth.sign(secret, auth.REQUEST, host=name, method=request.method, at=at, body=request.body,
                         path=f"{request.path}?{query}" if query else request.path)
    genuine = auth.same(expected, request.headers.get("X-Pairwise-Signature", ""))
    if not (host and genuine and re.fullmatch(r"[0-9]{1,12}", at)):
        return None, NOT_SIGNED
    off_s = int(at) - time.time()
    # Only who has the secret is told of clocks.
    return (host, "") if abs(off_s) <= SIGNED_WITHIN_S else (None, clock_off(off_s))


def clock_off(off_s: float) -> str:
    """What to do about a host's clock that is ``off_s`` ahead of the console's; the other way when negative."""
    apart = f"{abs(off_s):.0f} s" if abs(off_s) < 7200 else f"{abs(off_s) / 3600:.0f} hours"
    return (f"This request was signed {apart} {'ahead of' if off_s > 0 else 'before'} the time of the console, which "
            f"takes {SIGNED_WITHIN_S:.0f} s at most: set the clocks of this host and of the console.")


def for_hosts(view):
    """No session, no CSRF token, no login: the host's signature decides; the view gets the Host."""

    @csrf_exempt
    @login_not_required
    @require_safe
    @never_cache
    @functools.wraps(view)
    def signed(request, **kwargs):
        host, why = signing_host(request)
        if host is None:
            refusals.warning(f"refused an unsigned or wrongly signed request of {request.META.get('REMOTE_ADDR')}")
            claimed = Host.objects.filter(name=request.headers.get("X-Pairwise-Host", "")).first()
            recorded.record(host=claimed, kind="request", of_stranger=True,
                            text=f"A request for {request.path[:200]} from "
                                 f"{request.META.get('REMOTE_ADDR')} was refused. {why}")
            return sentence(why, 403)
        return view(request, host=host, **kwargs)

    return signed


@for_hosts
def application_secret(request, *, host: Host, pk: int):
    """The secret that the application's server proves itself to the Configuration Server with; text."""
    application = Application.objects.filter(pk=pk, host=host).first()
    if application is None:
        refusals.warning(f"host {host.name} asked for the secret of application {pk}, which is not on it")
        recorded.record(host=host, kind="secret", text=f"Host {host.name} asked for the secret of application {pk}, "
                                                       "which is not on it, and did not get it.")
        return sentence(f"Application {pk} is not on host {host.name}.", 403)
    return HttpResponse(application.secret, content_type="text/plain; charset=utf-8")


@for_hosts
def application_certificate(request, *, host: Host, pk: int):
    """A new certificate and its key for the secured ports of an application, while a job of the host wants it; JSON."""
    try:
        return JsonResponse(issue_certificate(host=host, application_id=pk))
    except Refused as error:
        recorded.record(host=host, kind="certificate", text=f"Host {host.name} asked for a certificate of application "
                                                            f"{pk} and did not get it: {error}")
        return sentence(str(error), 403)


def is_to_install(host: Host, package_id: int) -> bool:
    """True when a job of the host names this package, as long as the host would take that job."""
    return Job.objects.filter(host=host, kind=JobKind.INSTALL, created_at__gt=timezone.now() - JOB_AGE,
                              arguments__package__id=package_id).exists()


@for_hosts
def package_file(request, *, host: Host, pk: int):
    """The file of an Installation Package; answers Range, so a cut download goes on where it stopped."""
    if not is_to_install(host, pk):
        recorded.record(host=host, kind="package",
                        text=f"Host {host.name} asked for Installation Package {pk}, which no job of the last two days "
                             "tells it to install, and did not get it.")
        return sentence(f"Host {host.name} has no job to install Installation Package {pk}.", 403)
    package = InstallationPackage.objects.filter(pk=pk).first()
    path = stored_file(package) if package else None
    if package is None or path is None:
        return sentence(f"The file of Installation Package {pk} is not stored here. Import the package again.", 404)
    etag = f'"{package.sha256}"'
    wanted = request.headers.get("Range", "") if request.headers.get("If-Range", etag) == etag else ""
    headers = {"Accept-Ranges": "bytes", "ETag": etag}
    try:
        part = parse_range(wanted, package.size)
    except Unsatisfiable:
        return sentence(f"The package has {package.size} bytes only.", 416,
                         **headers, **{"Content-Range": f"bytes */{package.size}"})
    first, last = part or (0, package.size - 1)
    headers["Content-Length"] = str(last - first + 1)
    if part:
        headers["Content-Range"] = f"bytes {first}-{last}/{package.size}"
    described = {"status": 206 if part else 200, "content_type": "application/octet-stream", "headers": headers}
    if request.method == "HEAD":
        return HttpResponse(**described)
    return StreamingHttpResponse(chunks(path, first, last - first + 1), **described)
