from provisioning.accounts.rules.tokens import LONGEST_DAYS, USUAL_DAYS, Draft
from provisioning.accounts.selectors.tokens import find_token, state_of, token_list
from provisioning.accounts.services.service_accounts import make_service_token
from provisioning.accounts.services.tokens import revoke_token
from provisioning.management.console import OK, ServiceCommand
from provisioning.models import ApiToken
from provisioning.states import Role, TokenScope

SHOWN_ONCE = "Shown only now: keep it where the program reads it."


class Command(ServiceCommand):
    help = "Tokens by which programs use the REST API: list all, add one for a service account, revoke one."
    command_name = "tokens"

    def add_arguments(self, parser):
        verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
        for verb, words in {"list": "Show all tokens.", "add": "Make a service account and its token.",
                            "revoke": "Make a token good for nothing."}.items():
            of_verb = verbs.add_parser(verb, help=words)
            self.add_json(of_verb)
            if verb == "add":
                self.add_to_make(of_verb)
            if verb == "revoke":
                of_verb.add_argument("name", metavar="NAME", help="Name of the token, or OWNER/NAME, as list shows it.")

    def add_to_make(self, parser):
        parser.add_argument("name", metavar="NAME", help="Name of the service account and of its token.")
        parser.add_argument("--role", action="append", default=[], dest="roles", metavar="ROLE",
                            help=f"{', '.join(Role.values)} (without it Support); repeat it for several.")
        parser.add_argument("--read-only", action="store_true", help="It changes nothing, whatever the role.")
        parser.add_argument("--metrics", action="store_true", help="It is good for /metrics and nothing else.")
        parser.add_argument("--expires", type=int, default=USUAL_DAYS, metavar="DAYS",
                            help=f"Good for so many days, 1 to {LONGEST_DAYS} (without it {USUAL_DAYS}); 0 for ever.")
        parser.add_argument("--networks", default="", metavar="LIST",
                            help="Good from there only: addresses and networks, as in 10.0.0.0/8,192.0.2.7.")
        parser.add_argument("--description", default="", metavar="TEXT", help="What it is for.")

    def run(self, *, verb, as_json, name="", **options) -> int:
        if verb == "list":
            return self.show_all(as_json)
        if verb == "revoke":
            row = revoke_token(actor=self.actor, token_id=find_token(name, self.actor).pk)
            return self.say(f"The token {row} of {row.owner} was revoked.", {"name": row.name}, as_json)
        return self.add(name, as_json, **options)

    def add(self, name: str, as_json: bool, *, roles, read_only, metrics, expires, networks, description, **_) -> int:
        row, secret = make_service_token(actor=self.actor, draft=Draft(
            name=name, roles=roles or [Role.SUPPORT.value], read_only=read_only, networks=networks,
            scope=TokenScope.METRICS if metrics else TokenScope.API, days=expires or None, description=description))
        if as_json:
            self.print_json({"name": row.name, "token": secret, "expires": _iso(row.expires_at)})
            return OK
        self.stderr.write(SHOWN_ONCE)
        self.stdout.write(secret)
        return OK

    def show_all(self, as_json: bool) -> int:
        found = [described(row) for row in token_list(self.actor)]
        if as_json:
            self.print_json({"tokens": found})
        for body in () if as_json else found:
            self.stdout.write(line_of(body))
        return OK

    def say(self, sentence: str, body: dict, as_json: bool) -> int:
        if as_json:
            self.print_json(body)
        else:
            self.stdout.write(sentence)
        return OK


def described(row: ApiToken) -> dict:
    return {"name": row.name, "owner": row.owner.get_username(), "key": row.key, "good_for": row.get_scope_display(),
            "roles": row.roles, "read_only": row.read_only, "networks": row.networks, "state": state_of(row).label,
            "created": _iso(row.created_at), "expires": _iso(row.expires_at), "last_used": _iso(row.used_at),
            "last_used_from": row.used_from}


def line_of(body: dict) -> str:
    what = body["good_for"] if not body["roles"] else ", ".join(body["roles"])
    reads = ", read only" if body["read_only"] and body["roles"] else ""
    used = f"last used {body['last_used'][:16]} from {body['last_used_from']}" if body["last_used"] else "never used"
    until = f"expires {body['expires'][:10]}" if body["expires"] else "never expires"
    return (f"{body['owner']}/{body['name']} (pw_{body['key']}…): {what}{reads}, {body['state'].lower()}, "
            f"{until}, {used}")


def _iso(at) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
