from django.conf import settings
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Prepare database, static files, roles, administrator, Message Server package and first host; start nothing."

    def add_arguments(self, parser):
        parser.add_argument("--only", default="", metavar="ROLES", help="what this machine runs (as up --only)")

    def handle(self, *args, **options):
        from console.up.errors import CannotStart
        from console.up.main import roles_of
        from console.up.programs import AGENT, WEB
        from console.up.setup import ADMIN, set_up

        try:
            roles = roles_of(options["only"] or settings.PAIRWISE_ONLY)
            done = set_up(admin_password=settings.PAIRWISE_ADMIN_PASSWORD, say=self.stdout.write,
                          serves_pages=WEB in roles, is_host=AGENT in roles)
        except CannotStart as refused:
            raise CommandError(str(refused)) from None
        for warning in done.warnings:
            self.stderr.write(warning)
        if done.new_password:
            self.stdout.write(f"User {ADMIN}, password {done.new_password} (shown only this once)")
