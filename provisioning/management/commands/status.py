from provisioning.core.text import duration
from provisioning.management.console import OK, ServiceCommand
from provisioning.monitoring.selectors.status import status_report

COLUMNS = ("name", "type", "host", "status", "mode", "pid", "ports")
PAIR_COLUMNS = ("primary", "backup", "active", "epoch", "in sync", "lag", "digests", "failover")
DIGESTS = {True: "equal", False: "DIFFERENT", None: "?"}
IN_SYNC = {True: "yes", False: "no", None: "?"}


class Command(ServiceCommand):
    help = "Show the status of applications, hosts and pairs, and what jobs wait for."
    command_name = "status"

    def add_arguments(self, parser):
        self.add_json(parser)

    def run(self, *, as_json, **options) -> int:
        report = status_report()
        if as_json:
            self.print_json(report)
            return OK
        if not report["control"]["answers"]:
            self.stdout.write(f"{report['control']['reason']} What was known last stands below.\n")
        elif report["control"]["reason"]:
            self.stdout.write(f"{report['control']['reason']}\n")
        rows = [{**row, "ports": " ".join(f"{p['id']}:{p['port']}" for p in row["ports"]),
                 "status": row["status"] or "-",
                 "pid": "?" if row["pid"] is None and row["status"] else row["pid"] or ""}
                for row in report["applications"]]
        self.table(COLUMNS, rows)
        for row in rows:
            if row["reason"]:
                self.stdout.write(f"{row['name']}: {row['reason']}")
        self.stdout.write("")
        self.table(("host", "status", "last seen"), [
            {"host": row["name"], "status": row["status"],
             "last seen": "never" if row["last_seen_s"] is None else f"{row['last_seen_s']:g} s ago"}
            for row in report["hosts"]])
        for row in report["hosts"]:
            if row["last_known"]:
                self.stdout.write(f"{row['name']}: {row['reason']}")
        self.pairs(report["pairs"])
        self.jobs(report["jobs"])
        if report["control"]["answers"] and not report["control"]["reason"]:
            age_s = report["control"]["age_s"]
            self.stdout.write(f"\nAs of {age_s:g} s ago, when control showed its last sign of life.")
        return OK

    def pairs(self, pairs) -> None:
        if not pairs:
            return
        self.stdout.write("")
        self.table(PAIR_COLUMNS, [
            {**pair, "in sync": IN_SYNC[pair["in_sync"]], "lag": "?" if pair["lag"] is None else pair["lag"],
             "digests": DIGESTS[pair["digests_equal"]],
             "failover": _failover(pair)} for pair in pairs])
        for pair in pairs:
            if pair["decided"]:
                self.stdout.write(f"{pair['primary']} and {pair['backup']}: {pair['decided']}")

    def jobs(self, jobs) -> None:
        if not jobs:
            return
        self.stdout.write("")
        self.table(("job", "host", "state", "asked for"), [
            {**row, "job": row["name"], "asked for": f"{duration(row['asked_s'])} ago"} for row in jobs])
        for row in jobs:
            self.stdout.write(f"{row['name']}: {row['waits_for']}")

    def table(self, columns, rows) -> None:
        lines = [tuple(column.title() for column in columns)]
        lines += [tuple(str(row[column]) for column in columns) for row in rows]
        widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
        for line in lines:
            self.stdout.write("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def _failover(pair: dict) -> str:
    if pair["disputed"]:
        return "DISPUTED"
    return "automatic" if pair["automatic_failover"] else "paused"
