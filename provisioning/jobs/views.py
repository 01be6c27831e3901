"""What a page answers when a job was just asked for."""

from django.utils.html import format_html
from django.utils.safestring import SafeString

from provisioning.models import Job
from provisioning.web.answers import address_of

from .kinds import KINDS


def under_way(job: Job) -> SafeString:
    """What a job that was just asked for does, with the way to its page."""
    kind = KINDS[job.kind]
    return format_html('{} <a href="{}">Open the job</a>', kind.told(kind.running, job),
                       address_of(job.link))
