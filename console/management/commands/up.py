import sys

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = ("Start Pairwise on this machine (Redis, control, web, console worker, log reader, agent) and stop it on "
            "Ctrl-C.")
    # The checks run once the data directory is known to be free; messages of ours are plain sentences.
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("--only", default="", metavar="ROLES", help="only these, separated by commas: redis, "
                            "control, web, console-worker, log-reader, agent (default: PAIRWISE_ONLY, else all)")

    def handle(self, *args, **options):
        from console.up.main import up

        sys.exit(up(options["only"]))
