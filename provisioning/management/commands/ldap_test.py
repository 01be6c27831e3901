from getpass import getpass

from django.conf import settings

from provisioning.accounts.rules.single_sign_on import role_map, roles_for
from provisioning.accounts.services import directory
from provisioning.core import permissions
from provisioning.errors import Refused
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
        self.actor.require(permissions.USERS)
        if not directory.is_set_up():
            raise Refused("No directory is set up here (PAIRWISE_LDAP_URL).")
        try:
            entry = directory.ask(name=name, password=getpass("Password: ")) if sign_in else directory.look_up(name)
        except directory.DirectoryAway as error:
            raise Refused(f"The directory does not answer: {error}.") from None
        if entry is None:
            raise Refused(f'The password of "{name}" is wrong, or there is no such user in the directory.' if sign_in
                          else f'There is no "{name}" in the directory, or more than one.')
        roles = sorted(roles_for(entry.groups, role_map(settings.PAIRWISE_LDAP_ROLES)) or ())
        body = {"name": entry.name, "dn": entry.dn, "roles": roles,
                "groups": None if entry.groups is None else sorted(entry.groups), "why_unknown": entry.why_unknown}
        if as_json:
            self.print_json(body)
            return OK
        groups = entry.why_unknown if entry.groups is None else ", ".join(sorted(entry.groups)) or "none"
        self.stdout.write(f"{entry.name}: {entry.dn}\nGroups: {groups}")
        self.stdout.write(f"Roles: {', '.join(roles) or 'none: not let in'}")
        return OK
