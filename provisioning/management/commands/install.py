from provisioning.errors import Refused
from provisioning.management.console import JobCommand
from provisioning.verbs.services.jobs import install_application


class Command(JobCommand):
    help = "Install an application on its host. Exit codes: 0 done (or queued), 1 the job failed, 2 refused."
    command_name = "install"

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("--path", default="", metavar="DIR",
                            help="Directory on the host (default: one of its own).")
        parser.add_argument("--log-on-as", default="", metavar="ACCOUNT",
                            help="Log On As Account, for it and the other member of its pair (default: the "
                                 "one that it has; SYSTEM: that of the agent; root: needed where it is to run as "
                                 "root).")

    def create(self, application, *, path, log_on_as, **options):
        try:
            return install_application(actor=self.actor, application_id=application.pk, path=path, log_on_as=log_on_as)
        except Refused as refused:
            if any(each.field == "log_on_as" for each in refused.refusals):
                refused.add_note("Give the account by --log-on-as.")
            raise
