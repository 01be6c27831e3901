import time

from provisioning.management.console import FAILED, OK
from provisioning.management.following import Following
from provisioning.management.pairs import PairCommand, Settling
from provisioning.pairs.services.pairs import switch_over


class Command(PairCommand):
    help = ("Make the standby of a pair the active server. Exit codes: 0 done, 1 with --wait: the pair was not whole "
            "again in time, 2 refused.")
    command_name = "switchover"

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument("--reason", default="", metavar="TEXT", help="Kept in the history.")
        parser.add_argument("--to", default="", metavar="NAME",
                            help="The server that is to serve afterwards: asking twice does not switch back.")
        parser.add_argument("--wait", action="store_true",
                            help="Wait until the new primary has proven itself and its standby is in sync.")
        parser.add_argument("--timeout", type=float, default=60.0, metavar="SECONDS",
                            help="Stop waiting after so long (default %(default)s).")

    def ask(self, pair, *, reason, to, **options):
        return switch_over(actor=self.actor, application_id=pair.id, reason=reason, to=to)

    def sentence(self, pair, answer):
        took = answer.facts.get("took_ms")
        seconds = f" after {took:.0f} ms" if isinstance(took, (int, float)) else ""
        return f"{answer.facts.get('active') or 'The standby'} is the active server{seconds}."

    def run(self, *, name, as_json, wait=False, timeout=60.0, **options) -> int:
        if not wait:
            return super().run(name=name, as_json=as_json, **options)
        deadline, say = time.monotonic() + timeout, Following(self.stderr if as_json else self.stdout).say
        say(f"Waiting for control to switch {name} over, then for the pair to be whole again: {timeout:g} s at most.")
        pair, answer = self.carry_out(name, **options)
        settling = Settling(self.actor, pair, str(answer.facts.get("active", "")))
        say(self.sentence(pair, answer))
        whole = settling.wait(deadline, tell=say)
        if as_json:
            self.print_json({**self.describe(settling.pair), **answer.facts, "proven": whole,
                             "reason": settling.reason or answer.reason})
        elif whole:
            self.stdout.write(f"It has proven itself, and {settling.pair.standby} is in sync.")
        else:
            self.stderr.write(f"The pair is not whole again within {timeout:g} s: {settling.reason}")
        return OK if whole else FAILED
