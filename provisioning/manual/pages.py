"""What the pages of the documentation show, in the console and in a directory alike."""

from typing import Any

from .facts import INDEX, PAGE, address_of, relative
from .selectors import FOUND_MAX, Chapter, Found, contents, document

SEARCH = f"search{PAGE}"
"""The address of the page that says where words stand."""


def of_document(chapter: Chapter) -> dict[str, Any]:
    return {"document": document(chapter), "chapter": chapter, "contents": contents(chapter.address),
            "to_search": relative(SEARCH, chapter.address), "to_index": relative(address_of(INDEX), chapter.address)}


def of_search(found: list[Found], text: str = "") -> dict[str, Any]:
    return {"found": found, "text": text, "is_cut_short": text and len(found) == FOUND_MAX, "found_max": FOUND_MAX,
            "contents": contents(SEARCH), "to_search": SEARCH, "to_index": address_of(INDEX)}
