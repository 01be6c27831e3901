from provisioning.management.pairs import PairCommand
from provisioning.pairs.services.pairs import resume_failover


class Command(PairCommand):
    help = "Resume automatic failover of a pair. Exit codes: 0 done, 2 refused."
    command_name = "resume_failover"

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("--reason", default="", metavar="TEXT", help="Kept in the history.")

    def ask(self, pair, *, reason, **options):
        return resume_failover(actor=self.actor, application_id=pair.id, reason=reason)

    def sentence(self, pair, answer):
        if answer.facts.get("already"):
            return answer.reason
        return f"Automatic failover of {pair.primary.name} and {pair.backup.name} works again."
