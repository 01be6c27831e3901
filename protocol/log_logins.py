"""How a Message Server lets those in who write and read log records: logins made of the application's secret."""

import hashlib
import hmac

READER = "pairwise.log.reader"
_PUBLISHER = "pairwise.log.publisher."


def publisher(name: str) -> str:
    """The login of the publisher of this name."""
    return f"{_PUBLISHER}{name}"


CONSOLE = publisher("console")


def passcode(secret: str, login: str) -> str:
    """The passcode of ``login`` at the server whose secret this is."""
    return hmac.new(secret.encode(), f"log {login}".encode(), hashlib.sha256).hexdigest()
