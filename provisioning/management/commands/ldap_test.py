from getpass import getpass

from provisioning.accounts.services.directory_trial import tried
from provisioning.management.console import OK, ServiceCommand


class Command(ServiceCommand):
    help = ("Ask the directory for a user: the groups that it names, and the roles that follow. Nothing is changed. "
            "Exit codes: 0 found, 2 refused.")
    command_name = "ldap_test"

    def add_arguments(self, parser):
        parser.add_argument("name", metavar="NAME", help="User name, as it is typed at the sign-in page.")
        parser.add_argument("--sign-in", action="store_true", help="Ask for the password of the user and try it.")
        self.add_json(parser)

    def run(self, *, name, sign_in, as_json, **options) -> int:
        found = tried(actor=self.actor, name=name, password=getpass("Password: ") if sign_in else None)
        entry, roles = found.entry, sorted(found.roles or ())
        body = {"name": entry.name, "dn": entry.dn, "roles": roles, "why_not": found.why_not,
                "groups": None if entry.groups is None else sorted(entry.groups), "why_unknown": entry.why_unknown}
        if as_json:
            self.print_json(body)
            return OK
        groups = entry.why_unknown if entry.groups is None else ", ".join(sorted(entry.groups)) or "none"
        self.stdout.write(f"{entry.name}: {entry.dn}\nGroups: {groups}")
        self.stdout.write(f"Roles: {', '.join(roles) or 'none'}")
        if found.why_not:
            self.stdout.write(f"Not let in: {found.why_not}.")
        return OK
