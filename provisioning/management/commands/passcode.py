from protocol import client_logins
from provisioning.errors import Refused
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
        if client_logins.is_reserved(login):
            raise Refused(f"Logins that begin with {client_logins.RESERVED} are the console's own. Choose another "
                          "name.")
        passcode = client_logins.new_passcode()
        kept = client_logins.hashed(passcode)
        if as_json:
            self.print_json({"login": login, "passcode": passcode, "entry": kept})
            return OK
        self.stdout.write(f"Passcode, for the client (it is not shown again): {passcode}")
        self.stdout.write(f"Entry of section [{client_logins.CLIENTS}]: {login or 'LOGIN'} = {kept}")
        return OK
