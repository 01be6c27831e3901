"""How a Message Server lets the probe load of a failover drill in: a login made of the application's secret.

The console and the server know that secret; nobody hands the login out, and no other client has it. It opens one
destination and ends by itself.
"""

import re

from . import auth

LOGIN = "pairwise.drill"
DESTINATION = "/topic/pairwise.drill."
LIFE_S = 4 * 3600
"""How long a login is good for; the clocks of console and host may differ by less than that."""
_LOGIN = re.compile(rf"{re.escape(LOGIN)}\.([0-9a-f]{{16,64}})\.([0-9]{{1,12}})")


def login_of(key: str, expires_at: int) -> str:
    """The login of the drill ``key`` (hex digits), good until ``expires_at`` (Unix time)."""
    return f"{LOGIN}.{key}.{expires_at}"


def destination_of(key: str) -> str:
    """The one destination where the probe load of a drill goes."""
    return f"{DESTINATION}{key}"


def is_drill(login: str) -> bool:
    return login.startswith(f"{LOGIN}.")


def opens(secret: str, login: str, passcode: str, now: float) -> str:
    """The destination that a login opens at a server with this ``secret`` at ``now`` (Unix time); "" for none."""
    found = _LOGIN.fullmatch(login)
    right = auth.same(auth.drill_passcode(secret, login), passcode)
    if not secret or found is None or not right or int(found[2]) < now:
        return ""
    return destination_of(found[1])
