from provisioning.management.console import JobCommand
from provisioning.states import ENDED
from provisioning.verbs.services.jobs import stop_application


class Command(JobCommand):
    help = "Stop an application. Exit codes: 0 done (or queued), 1 the job failed, 2 refused."
    command_name = "stop"
    settled = ENDED

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("--graceful", action="store_true", help="Let it finish what it has in hand first.")

    def create(self, application, *, graceful, **options):
        return stop_application(actor=self.actor, application_id=application.pk, graceful=graceful)
