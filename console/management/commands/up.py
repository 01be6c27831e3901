from django.core.management.base import BaseCommand

from console.up import command


class Command(BaseCommand):
    """Where commands are listed; ``manage.py`` itself carries it out by ``console.up.command``."""

    help = command.HELP
    # The checks run once the data directory is known to be free; messages of ours are plain sentences.
    requires_system_checks = []

    def add_arguments(self, parser):
        command.add_arguments(parser)

    def handle(self, *args, **options):
        command.carry_out(options["only"])
