from provisioning.keys import keys
from provisioning.management.console import OK, ServiceCommand
from provisioning.monitoring.services.keys import needs_former_key, rotate_key


class Command(ServiceCommand):
    help = ("Encrypt what a former PAIRWISE_SECRET_KEY encrypted with the present one. First give every process of the "
            "console the new key in PAIRWISE_SECRET_KEY and the former one in PAIRWISE_SECRET_KEY_FALLBACKS "
            "(docs/settings.md, Rotating the key). May be run again. Exit codes: 0 done, 2 refused, 3 busy.")
    command_name = "rotate_key"

    def add_arguments(self, parser):
        self.add_json(parser)

    def run(self, *, as_json, **options) -> int:
        rotation = rotate_key(actor=self.actor, say=self.stderr.write if as_json else self.stdout.write)
        present, *former = keys().marks
        needed = needs_former_key()
        if as_json:
            self.print_json({"values": rotation.values, "done": rotation.done, "present": present, "former": former,
                             "former_needed": needed})
        elif not former:
            self.stdout.write(f"Everything is encrypted with the present key (mark {present}); no other one is given.")
        elif needed:
            self.stdout.write("Something was encrypted with a former key meanwhile: restart every process of the "
                              "console that has only that one, then run rotate_key again.")
        else:
            self.stdout.write(
                f"Everything is encrypted with the present key (mark {present}). The former one "
                f"({' and '.join(former)}) can be dropped once every host and server has been connected since the "
                "restart: unset PAIRWISE_SECRET_KEY_FALLBACKS and restart every process of the console. Copies of the "
                "database that were made before need it.")
        return OK
