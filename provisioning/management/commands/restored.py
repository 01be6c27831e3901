from provisioning.applications.selectors.applications import find_application
from provisioning.core.control import doubted_count
from provisioning.management.console import FAILED, OK, ServiceCommand
from provisioning.pairs.rules.restored import Choice
from provisioning.pairs.selectors.restored import disputed
from provisioning.pairs.services import restored


class Command(ServiceCommand):
    help = ("After an older control database was put back: list what is in dispute; with NAME show what each server "
            "has and what would be lost; with --server let that one go on. Exit codes: 0 done or nothing in dispute, "
            "1 something is in dispute or control did not answer, 2 refused.")
    command_name = "restored"

    def add_arguments(self, parser):
        parser.add_argument("name", nargs="?", default="", metavar="NAME",
                            help="Name of either member of the pair, or of a single server.")
        parser.add_argument("--server", default="", metavar="NAME", help="Who goes on.")
        parser.add_argument("--accept-data-loss", default="", metavar="TYPED", help=(
            "Name of the other server, whose records are given up; needed only when something would be lost, or nobody "
            "can tell."))
        parser.add_argument("--reason", default="", metavar="TEXT", help="Kept in the history.")
        parser.add_argument("--confirm", action="store_true", help=(
            "Without NAME: every record in doubt with which all its servers agree counts from now on."))
        self.add_json(parser)

    def run(self, *, name, server, accept_data_loss, reason, confirm, as_json, **options) -> int:
        if not name:
            return self.confirm(as_json) if confirm else self.show_all(as_json)
        row = find_application(name)
        if not server:
            return self.show(row.pk, name, as_json)
        answer = restored.go_on(actor=self.actor, application_id=row.pk, server=server,
                                accept_data_loss=accept_data_loss, reason=reason)
        self.say(as_json, {**answer.facts, "reason": answer.reason}, answer.reason)
        return OK

    def confirm(self, as_json: bool) -> int:
        answer = restored.confirm_all(actor=self.actor)
        self.say(as_json, {**answer.facts, "reason": answer.reason}, answer.reason)
        return OK

    def show_all(self, as_json: bool) -> int:
        rows, doubted = disputed(), doubted_count()
        sentences = [f"{row.name}: {row.reason}" for row in rows] or ["Nothing is in dispute."]
        if doubted:
            sentences.append(f"{doubted} records are older than the restore: they count while all their servers agree. "
                             "--confirm makes those count from now on with which all agree.")
        self.say(as_json, {"doubted": doubted, "disputed": [
            {"primary": row.primary, "backup": row.backup, "reason": row.reason} for row in rows]}, *sentences)
        return FAILED if rows else OK

    def show(self, application_id: int, name: str, as_json: bool) -> int:
        found = restored.look(actor=self.actor, application_id=application_id)
        sentences = [found.reason if found.disputed else f"Nothing contradicts the record of {name}."]
        for choice in found.choices:
            sentences += [_has(choice), f"  {choice.loss}"]
            if found.disputed:
                sentences.append(f"  {choice.copy.why_not or _how(name, choice)}")
        members = [{**vars(choice.copy), "loss": choice.loss, "type": choice.to_type} for choice in found.choices]
        self.say(as_json, {"disputed": found.disputed, "reason": found.reason, "members": members}, *sentences)
        return FAILED if found.disputed else OK

    def say(self, as_json: bool, body: dict, *sentences: str) -> None:
        if as_json:
            self.print_json(body)
        else:
            self.stdout.write("\n".join(sentences))


def _has(choice: Choice) -> str:
    copy = choice.copy
    if not copy.told:
        return f"{copy.name}: {'connected, and it did not say what it has' if copy.connected else 'not connected'}."
    return f"{copy.name}: connected, records {copy.first_seq:,} to {copy.last_seq:,}, epoch {copy.epoch:,}."


def _how(name: str, choice: Choice) -> str:
    typed = f" --accept-data-loss '{choice.to_type}'" if choice.to_type else ""
    return f"{choice.follows} To go on so: manage.py restored '{name}' --server '{choice.copy.name}'{typed}"
