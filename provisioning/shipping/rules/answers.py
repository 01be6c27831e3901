"""What an answer of HTTP says although its status says that all is well. Pure."""

from protocol.outside import read_json

_PAGES = ("<!doctype html", "<html")
_SHOWN_CHARACTERS = 200


def why_not_taken(said: str) -> str:
    """A clause that goes on after "but", "" where nothing speaks against it. Event Collectors have a ``code``, 0 for
    what was taken; who answers with a page is a sign-in or a proxy."""
    text = said.strip()
    if text.lower().startswith(_PAGES):
        return "with a page for people. See whether the address is that of the collector, and what is in between."
    try:
        code = read_json(text).get("code", 0)
    except (ValueError, AttributeError, RecursionError):
        return ""
    return "" if code == 0 else (f"with the code of a failure. See whether the token counts there: "
                                 f"{text[:_SHOWN_CHARACTERS]}")
