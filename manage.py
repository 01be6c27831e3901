#!/usr/bin/env python
"""Command line of Pairwise: `python manage.py help` lists the commands."""

import json
import os
import sys


def main():
    from console.whereabouts import why_nothing_is_there

    if why := why_nothing_is_there(sys.argv[1:], os.environ):
        print(why, file=sys.stderr)
        if "--json" in sys.argv:
            print(json.dumps({"refusals": [{"field": "", "message": why}]}, ensure_ascii=False, indent=2))
        sys.exit(2)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
