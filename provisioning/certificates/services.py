"""Certificates for the secured ports of servers, made by the console's own authority."""


from provisioning.core import tls
from provisioning.core.names import names_for
from provisioning.errors import Refused
from provisioning.models import Host, Job
from provisioning.states import ACTIVE_JOBS, JobKind


def issue_certificate(*, host: Host, application_id: int) -> dict[str, str]:
    """{certificate, certificate_key, trusted_ca} as PEM, for a host with a job that wants it. Raises Refused."""
    job = Job.objects.filter(kind=JobKind.MAKE_CERTIFICATES, host=host, application_id=application_id,
                             state__in=ACTIVE_JOBS).select_related("application").first()
    if job is None or job.application is None:
        raise Refused(f"Host {host.name} has no job to make certificates of application {application_id}.")
    authority = tls.authority()
    bound_to = (dict(part.split("=", 1) for part in port.transport_parameters.split(";") if "=" in part).get("address")
                for port in job.application.ports.all())
    names = names_for(given=[host.name, host.ip_address, *filter(None, bound_to)])
    try:
        authority.provide(tls.names())
        certificate, key = authority.issue(job.application.name, names)
    except (tls.CannotIssue, OSError, ValueError) as error:
        raise Refused(f"The console cannot make certificates: {error}") from error
    return {"certificate": certificate.decode(), "certificate_key": key.decode(),
            "trusted_ca": authority.certificate.read_text()}
