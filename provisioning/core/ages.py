"""How old a word still counts: of whoever has said nothing for longer, nothing is known any more. Pure.

Whoever judges how old something is that somebody said, or that was found, takes the limit from here.
"""

from datetime import timedelta

CONTROL = timedelta(seconds=5)
"""Of control. It shows a sign of life every second; that it is started anew, which takes two or three, is no silence.
Clocks that differ by less count as one."""
CONSOLE_PART = timedelta(seconds=8)
"""Of the console worker and of a control that stands by: several of their signs of life may be late."""
OWN_HOST = timedelta(seconds=10)
"""Of the agent of the console's own machine: it speaks every 5 s, and no network is in between."""
MEMBER = timedelta(seconds=10)
"""Of a member of a pair, where it is asked whether failover would work now: nothing less than now will do."""
SERVER = timedelta(seconds=15)
"""Of a server. Green is for what was proven a moment ago: an older word proves nothing and is shown in grey."""
HOST = timedelta(seconds=20)
"""Of the agent of any host: it speaks every 5 s."""
AUDITED = timedelta(seconds=30)
"""Of an agent or a server, for an audit: it judges many at once and must not flicker with one that is late."""
JOB = timedelta(seconds=15)
"""Of a host that works on a job: it speaks every 5 s, and is given up after 30 s (JOB_LOST_AFTER_S)."""
FOUND = timedelta(minutes=45)
"""What a job found on a host: looks are taken more often than that."""
DRILL = timedelta(seconds=45)
"""Of what carries a drill out: it says so every second, except while it waits for control
(control_client.PAIR_TIMEOUT_S)."""
DRILL_NOT_TAKEN = timedelta(seconds=60)
"""A drill that no worker took for so long is refused."""
LOOK_AT_JOBS = timedelta(seconds=15)
"""Of the reaper. More than this between two of its looks: the console, its worker or the broker was away, and heard no
host meanwhile."""
PROXY = timedelta(hours=24)
"""That a request came by way of a proxy: one that is there shows itself within a day."""
