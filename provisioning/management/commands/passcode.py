from protocol.client_logins import CLIENTS
from provisioning.applications.rules import passcodes
from provisioning.management.console import OK, ServiceCommand


class Command(ServiceCommand):
    help = ("Make a random passcode for a client of a Message Server, and the entry of section [clients] that holds it "
            "as a hash. The passcode is printed once and kept nowhere. Exit codes: 0 made, 2 refused.")
    command_name = "passcode"
    of_this_version = False  # it asks no database

    def add_arguments(self, parser):
        parser.add_argument("login", nargs="?", metavar="LOGIN", default="", help="Login of the client.")
        self.add_json(parser)

    def run(self, *, login, as_json, **options) -> int:
        made = passcodes.make(login)
        if as_json:
            self.print_json({"login": login, "passcode": made.text, "entry": made.entry})
            return OK
        self.stdout.write(f"Passcode, for the client (it is not shown again): {made.text}")
        self.stdout.write(f"Entry of section [{CLIENTS}]: {login or 'LOGIN'} = {made.entry}")
        return OK
