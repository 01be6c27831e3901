"""``manage.py runcontrol``: the Configuration Server and Solution Control."""

import asyncio
import sys

import uvloop
from django.conf import settings
from django.core.management.base import BaseCommand

from console.up import errors
from console.up.databases import provide_record, reserve_room
from console.up.keys import require_the_key
from protocol import hangups
from provisioning.core import tls


class Command(BaseCommand):
    help = "Run control (Configuration Server and Solution Control) until SIGTERM or SIGINT."
    requires_system_checks = []

    def handle(self, *args, **options):
        hangups.outlive()
        # Here and not above: provisioning does not depend on control.
        from control.main import CannotStart, Settings, serve

        try:
            require_the_key()
            provide_record()
            reserve_room()
            identity = None
            if settings.PAIRWISE_CONTROL_TLS:
                tls.provide()
                identity = tls.identity()
            given = Settings(settings.PAIRWISE_CONTROL_HOST, settings.PAIRWISE_CONTROL_PORT,
                             settings.PAIRWISE_DATA_DIR, identity=identity, controls=settings.PAIRWISE_CONTROLS)
            # Thousands of connections: docs/performance.md says what this loop is worth.
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                code = runner.run(serve(given))
        except (CannotStart, errors.CannotStart, tls.CannotIssue) as error:
            self.stderr.write(str(error))
            sys.exit(2)
        sys.exit(int(code))
