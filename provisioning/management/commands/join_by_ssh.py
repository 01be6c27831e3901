import json
import sys

from django.core.management.base import BaseCommand

from provisioning.hosts.services.ssh_joining import carry_out


class Command(BaseCommand):
    help = "Join a machine over SSH. Started by the host's page, which gives the login on standard input."

    def handle(self, *args, **options):
        if not carry_out(json.load(sys.stdin)):
            sys.exit(1)
