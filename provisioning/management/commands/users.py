from typing import Any

from django.utils import timezone

from provisioning.accounts.selectors.sign_ins import locked_places
from provisioning.accounts.selectors.users import Person, find_user, get_person, people, user_list
from provisioning.accounts.services import users, ways_in
from provisioning.management.console import OK, ServiceCommand
from provisioning.states import Role

SHOWN_ONCE = "good for one sign-in within 24 hours; shown only now"


OF_ONE = {"unlock": users.unlock, "link": ways_in.link, "unlink": ways_in.unlink,
          "reset-factors": ways_in.reset_factors}
"""{verb: what does it to one user and asks nothing else}."""


class Command(ServiceCommand):
    help = ("Show and change who may sign in: list, add, roles, disable, enable, reset, link, unlink, reset-factors, "
            "unlock, unlock-address.")
    command_name = "users"

    def add_arguments(self, parser):
        verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
        for verb, words in {"list": "Show all users.", "add": "Create a user, with a password for one sign-in.",
                            "roles": "Give a user exactly these roles.", "disable": "Let a user not sign in any more.",
                            "enable": "Let a user sign in again.", "reset": "Make a password for one sign-in.",
                            "link": "Let single sign-on become this user.",
                            "unlink": "Make it a user of Pairwise again.",
                            "reset-factors": "Remove all second factors of a user.",
                            "unlock": "End what failed sign-ins have locked of a user.",
                            "unlock-address": "End what failed sign-ins have locked of an address."}.items():
            of_verb = verbs.add_parser(verb, help=words)
            self.add_json(of_verb)
            if verb == "unlock-address":
                of_verb.add_argument("address", metavar="ADDRESS", help="Address, as list shows it.")
            elif verb != "list":
                of_verb.add_argument("name", metavar="NAME", help="User name.")
            if verb in ("add", "roles"):
                of_verb.add_argument("--role", action="append", default=[], dest="roles", metavar="ROLE",
                                     help=f"{', '.join(Role.values)}; repeat it for several.")

    def run(self, *, verb, as_json, name="", address="", roles=(), **options) -> int:
        if verb == "list":
            return self.show_all(as_json)
        if verb == "unlock-address":
            return self.unlock_address(address, as_json)
        user, password = self.carry_out(verb, name, roles)
        body = described(get_person(user.pk)) | ({"password": password} if password else {})
        if as_json:
            self.print_json(body)
        else:
            self.stdout.write(line_of(body) + (f"\nPassword: {password} ({SHOWN_ONCE})" if password else ""))
        return OK

    def show_all(self, as_json: bool) -> int:
        found = [described(person) for person in people(user_list())]
        locked = [{"address": place, "locked_until": lock.until} for place, lock in locked_places(timezone.now())]
        if as_json:
            self.print_json({"users": found, "locked_addresses": locked})
        else:
            for body in found:
                self.stdout.write(line_of(body))
            for each in locked:
                self.stdout.write(f"The address {each['address']} is locked until {each['locked_until']:%H:%M} UTC for "
                                  "all who are new there (unlock-address).")
        return OK

    def unlock_address(self, address: str, as_json: bool) -> int:
        place = users.unlock_address(actor=self.actor, address=address)
        if as_json:
            self.print_json({"address": place})
        else:
            self.stdout.write(f"The address {place} was unlocked.")
        return OK

    def carry_out(self, verb: str, name: str, roles):
        """(user, password for one sign-in or "")."""
        if verb == "add":
            return users.create_user(actor=self.actor, name=name, roles=roles)
        whom: dict[str, Any] = {"actor": self.actor, "user_id": find_user(name).pk}
        if verb == "reset":
            return users.reset_password(**whom)
        if verb == "roles":
            return users.set_roles(roles=roles, **whom), ""
        if verb in OF_ONE:
            return OF_ONE[verb](**whom), ""
        return users.set_enabled(enabled=verb == "enable", **whom), ""


def described(person: Person) -> dict:
    return {"name": person.name, "roles": list(person.roles), "enabled": person.user.is_active,
            "last_sign_in": person.user.last_login, "locked_until": person.locked_until,
            "must_change_password": person.must_change_password}


def line_of(body: dict) -> str:
    seen = f"last sign-in {body['last_sign_in']:%Y-%m-%d %H:%M} UTC" if body["last_sign_in"] else "never signed in"
    locked = f", locked until {body['locked_until']:%H:%M} UTC" if body["locked_until"] else ""
    return (f"{body['name']}: {', '.join(body['roles']) or 'no role'}, "
            f"{'enabled' if body['enabled'] else 'disabled'}, {seen}{locked}")
