from provisioning.management.console import JobCommand
from provisioning.verbs.services.jobs import make_certificates


class Command(JobCommand):
    help = ("Make a certificate for the secured ports of an application, by the console's own authority, and write it "
            "on its host. Exit codes: 0 done (or queued), 1 the job failed, 2 refused.")
    command_name = "make_certificates"

    def create(self, application, **options):
        return make_certificates(actor=self.actor, application_id=application.pk)
