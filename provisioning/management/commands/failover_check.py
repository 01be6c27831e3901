from provisioning.management.console import FAILED, OK, ServiceCommand
from provisioning.pairs.rules import failover_facts
from provisioning.pairs.selectors.pairs import find_pair
from provisioning.pairs.services.pairs import check_failover

SIGNS = {failover_facts.OK: "ok", failover_facts.NO: "NO", failover_facts.UNKNOWN: "??"}


class Command(ServiceCommand):
    help = ("Would failover of a pair work now? Asks control and both members. Exit codes: 0 yes, 1 no or not known, "
            "2 refused.")
    command_name = "failover_check"

    def add_arguments(self, parser):
        parser.add_argument("name", metavar="NAME", help="Name of either member of the pair.")
        self.add_json(parser)

    def run(self, *, name, as_json, **options) -> int:
        pair = find_pair(name)
        verdict = check_failover(actor=self.actor, application_id=pair.id)
        if as_json:
            self.print_json(self.describe(pair, verdict))
        else:
            for each in verdict.conditions:
                sign = SIGNS[each.state] if each.necessary or each.state == failover_facts.OK else "! "
                advice = f" {each.advice}" if each.state != failover_facts.OK else ""
                self.stdout.write(f"{sign}  {each.label}: {each.sentence}{advice}")
            self.stdout.write(verdict.sentence)
        return OK if verdict.works else FAILED

    def describe(self, pair, verdict) -> dict:
        return {"primary": pair.primary.name, "backup": pair.backup.name, "works": verdict.works,
                "sentence": verdict.sentence,
                "conditions": [{"code": each.code, "label": each.label, "state": each.state,
                                "necessary": each.necessary, "sentence": each.sentence, "advice": each.advice}
                               for each in verdict.conditions]}
