"""What one worker of a test run gets: the tests of a file, or those of all files that use the same console, which each
of several workers would start, and keep running, for itself."""

from pathlib import PurePath

from xdist.scheduler import LoadFileScheduling

CONSOLES = {
    "site": {"scenarios": ("alarms", "audit", "charts", "hanging", "notifications", "outages", "pair_commands",
                           "pair_copies", "pair_links", "pair_machine", "pair_processes", "told_of_faults")},
    "pairwise": {"scenarios": ("by_hand", "centralized_log", "faults", "files", "hangups", "main_job",
                               "secrets_at_rest", "up", "waiting"),
                 "browser": ("accepted", "api", "back", "drafts", "editor", "forms", "guide", "many", "one_sign_in",
                             "pages", "pair", "server_log", "ssh", "typed", "users")},
    "web_environment": {"api": ("served",),
                        "browser": ("alarms", "audit_shipping", "charts", "filters", "layout", "live_pages",
                                    "long_names", "manual", "many_choices", "messages", "notifications", "tokens",
                                    "ways_in"),
                        "accounts": ("signed_out",), "integrations": ("proxies",), "web": ("stream",)},
}
"""Fixture that is a console for a whole run → folder → files whose tests use it."""


def console_of(path: PurePath) -> str:
    """The console that the tests of a file share with other files; empty: they have none."""
    name = path.stem.removeprefix("test_")
    return next((console for console, files in CONSOLES.items() if name in files.get(path.parent.name, ())), "")


class Shares(LoadFileScheduling):
    """As ``--dist loadfile``, with the files of one console together."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return console_of(PurePath(file)) or file
