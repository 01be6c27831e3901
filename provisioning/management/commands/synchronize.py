from provisioning.management.console import OK, REFUSED, ServiceCommand
from provisioning.pairs.rules.synchronization import DIFFERS, EQUAL, EXCEPTION, Row
from provisioning.pairs.selectors.pairs import find_pair
from provisioning.pairs.services import synchronize

SIGNS = {EQUAL: "=", EXCEPTION: "."}
QUESTION, ADD_YES = "Copy this from {primary} to {backup}?", "Add --yes to apply this plan."


class Command(ServiceCommand):
    help = ("Make options, ports and Server Info of a backup equal to those of its primary: prints a plan (~ copied, "
            "! left to you, . exception, = equal), asks, and copies. Exit codes: 0 done or nothing to do, 2 refused.")
    command_name = "synchronize"

    def add_arguments(self, parser):
        parser.add_argument("name", metavar="NAME", help="Name of either member of the pair.")
        parser.add_argument("--yes", action="store_true", help="Apply without asking.")
        parser.add_argument("--reason", default="", metavar="TEXT", help="Kept in the history.")
        self.add_json(parser)

    def run(self, *, name, yes, reason, as_json, **options) -> int:
        pair = find_pair(name)
        plan = synchronize.plan(actor=self.actor, application_id=pair.id)
        if not as_json:
            self.show(plan)
        applied = False
        if not plan.is_empty:
            question = QUESTION.format(primary=plan.primary.name, backup=plan.backup.name)
            if not yes and not self.agreed(question, otherwise=ADD_YES):
                if as_json:
                    self.print_json(self.describe(plan, applied=False))
                return REFUSED
            plan = synchronize.apply_plan(actor=self.actor, application_id=pair.id, revisions=plan.revisions,
                                          reason=reason)
            applied = True
        if as_json:
            self.print_json(self.describe(plan, applied=applied))
        else:
            self.stdout.write("Done." if applied else "Nothing to do.")
        return OK

    def show(self, plan: synchronize.SynchronizePlan) -> None:
        for row in plan.rows:
            if row.state != EQUAL:
                values = (f"{row.backup} → {row.primary}" if row.copied else
                          f"{row.primary} on {plan.primary.name}, {row.backup} on {plan.backup.name}")
                self.stdout.write(f"{self.sign(row)} {row.label}: {values}"
                                  f"{f'. {row.action or row.reason}' if row.action or row.reason else ''}")
        equal = sum(row.state == EQUAL for row in plan.rows)
        self.stdout.write(f"{plan.primary.name} → {plan.backup.name}: {len(plan.copied)} to copy, "
                          f"{len(plan.by_hand)} left to you, {len(plan.exceptions)} exceptions, {equal} equal.")

    def sign(self, row: Row) -> str:
        return SIGNS.get(row.state, "~" if row.copied else "!")

    def describe(self, plan: synchronize.SynchronizePlan, *, applied: bool) -> dict:
        return {"primary": plan.primary.name, "backup": plan.backup.name, "applied": applied,
                "equal": all(row.state != DIFFERS for row in plan.rows),
                "rows": [{"what": row.what, "label": row.label, "primary": row.primary, "backup": row.backup,
                          "state": row.state, "reason": row.reason, "action": row.action, "copied": row.copied}
                         for row in plan.rows]}
