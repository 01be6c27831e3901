from provisioning.management.console import JobCommand
from provisioning.states import ApplicationStatus
from provisioning.verbs.services.jobs import start_application


class Command(JobCommand):
    help = "Start an application. Exit codes: 0 done (or queued), 1 the job failed, 2 refused."
    command_name = "start"
    settled = frozenset({ApplicationStatus.STARTED})

    def create(self, application, **options):
        return start_application(actor=self.actor, application_id=application.pk)
