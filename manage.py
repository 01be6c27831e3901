#!/usr/bin/env python
"""Command line of Pairwise: `python manage.py help` lists the commands."""

import json
import os
import select
import signal
import sys


def main():
    if sys.argv[1:] in (["version"], ["--version"]):
        # Django would tell its own.
        from protocol.version import VERSION

        print(VERSION)
        return
    from console.whereabouts import why_nothing_is_there
    from protocol import collector

    # A start makes hundreds of thousands of objects that stay: looked through again and again they take a fifth of it.
    collector.look_rarely()

    if why := why_nothing_is_there(sys.argv[1:], os.environ):
        print(why, file=sys.stderr)
        if "--json" in sys.argv:
            print(json.dumps({"refusals": [{"field": "", "message": why}]}, ensure_ascii=False, indent=2))
        sys.exit(2)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
    try:
        try:
            command()(sys.argv)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        if not has_enough(sys.stdout.fileno()):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python writes the rest once more at its end
        sys.exit(128 + signal.SIGPIPE)


def command():
    """What carries a command line out. `up` is there for as long as the console, so it loads none of the
    applications, which any other command begins with."""
    if sys.argv[1:2] == ["up"]:
        from console.up.command import main as up

        return up
    from django.core.management import execute_from_command_line

    return execute_from_command_line


def has_enough(output: int) -> bool:
    """Whether nobody reads on from the descriptor ``output``, as `head` does when it has its lines."""
    watch = select.poll()
    watch.register(output, 0)
    return bool(watch.poll(0))


if __name__ == "__main__":
    main()
