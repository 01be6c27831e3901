"""Writes openapi.json, the description of the API for programs: ``python -m docs.openapi``."""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("openapi.json")


def described() -> dict[str, Any]:
    """The description that the console gives at /api/v1/openapi.json."""
    return json.loads(_text())


@cache
def _text() -> str:
    """Made once in a process, which takes half a second; whoever asks may change what they get."""
    from api.root import api

    return json.dumps(api.get_openapi_schema())


def written(description: dict[str, Any]) -> str:
    return json.dumps(description, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
    django.setup()
    FILE.write_text(written(described()))
