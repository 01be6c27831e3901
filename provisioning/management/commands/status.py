from provisioning.management.console import OK, ServiceCommand
from provisioning.selectors.status import status_report

COLUMNS = ("name", "type", "host", "status", "mode", "pid", "ports")


class Command(ServiceCommand):
    help = "Show the status of applications, hosts and pairs."
    command_name = "status"

    def add_arguments(self, parser):
        self.add_json(parser)

    def run(self, *, as_json, **options) -> int:
        report = status_report()
        if as_json:
            self.print_json(report)
            return OK
        rows = [{**row, "ports": " ".join(f"{p['id']}:{p['port']}" for p in row["ports"]), "pid": row["pid"] or ""}
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
        return OK

    def table(self, columns, rows) -> None:
        lines = [tuple(column.title() for column in columns)]
        lines += [tuple(str(row[column]) for column in columns) for row in rows]
        widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
        for line in lines:
            self.stdout.write("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())
