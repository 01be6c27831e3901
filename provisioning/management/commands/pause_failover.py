from provisioning.management.pairs import PairCommand
from provisioning.pairs.services.pairs import pause_failover


class Command(PairCommand):
    help = "Pause automatic failover of a pair, visible on every page. Exit codes: 0 done, 2 refused."
    command_name = "pause_failover"

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("--reason", required=True, metavar="TEXT", help="Shown until it is resumed.")

    def ask(self, pair, *, reason, **options):
        return pause_failover(actor=self.actor, application_id=pair.id, reason=reason)

    def sentence(self, pair, answer):
        return (f"Automatic failover of {pair.primary.name} and {pair.backup.name} is paused: nothing takes over by "
                "itself until resume_failover.")
