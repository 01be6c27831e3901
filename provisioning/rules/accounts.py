"""Does a server run as the account that its object names? Pure."""


def wrong_account(*, name: str, wanted: str, agents: str, running: str) -> str:
    """A sentence when the server ``name`` runs as another account than it should, "" when not or while it is not known.

    ``wanted`` is Log On As, "" for the account of the agent; ``agents`` and ``running`` are "" while not known.
    """
    right = wanted or agents
    if not running or not right or running == right:
        return ""
    whose = "its Log On As is" if wanted else "its agent, whose account it is to have, runs as"
    return f"{name} runs as {running}, {whose} {right}."
