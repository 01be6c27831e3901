"""SIGHUP, by which a process ends at once unless it says otherwise: its terminal was closed, or somebody wants its log
begun anew. What runs by itself ends for neither."""

import signal


def outlive() -> None:
    """From now on SIGHUP does not end this process. In the main thread only.

    A handler, and not SIG_IGN, which the programs that are started from here would begin with.
    """
    signal.signal(signal.SIGHUP, lambda *_: None)
