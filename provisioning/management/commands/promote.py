from provisioning.management.pairs import PairCommand
from provisioning.pairs.services.pairs import promote


class Command(PairCommand):
    help = ("Make a standby that is not in sync the active server. Messages that only the other one has are given up: "
            "type its name to accept that. Exit codes: 0 done, 2 refused.")
    command_name = "promote"

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("--accept-data-loss", default="", metavar="TYPED",
                            help="Name of the active server whose newest messages are given up.")
        parser.add_argument("--server", default="", metavar="NAME", help="Who is to serve (default: the standby); the "
                            "active server itself when it came back with another store.")
        parser.add_argument("--reason", default="", metavar="TEXT", help="Kept in the history.")

    def ask(self, pair, *, accept_data_loss, reason, server, **options):
        return promote(actor=self.actor, application_id=pair.id, accept_data_loss=accept_data_loss, reason=reason,
                       server=server)

    def sentence(self, pair, answer):
        return (f"{answer.facts.get('active') or 'The standby'} is the active server (epoch "
                f"{answer.facts.get('epoch', '?')}); what it does not have is given up.")
