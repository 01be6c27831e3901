import os

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Prepare database, static files, roles, administrator, Message Server package and first host; start nothing."

    def handle(self, *args, **options):
        from console.up.errors import CannotStart
        from console.up.setup import ADMIN, set_up

        try:
            done = set_up(admin_password=os.environ.get("PAIRWISE_ADMIN_PASSWORD", ""), say=self.stdout.write)
        except CannotStart as refused:
            raise CommandError(str(refused)) from None
        for warning in done.warnings:
            self.stderr.write(warning)
        if done.new_password:
            self.stdout.write(f"User {ADMIN}, password {done.new_password} (shown only this once)")
