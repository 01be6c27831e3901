"""Writes openapi.json, the description of the API for programs: ``python -m docs.openapi``."""

import json
import os
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("openapi.json")


def described() -> dict[str, Any]:
    """The description that the console gives at /api/v1/openapi.json, as it is kept: to make it takes half a second and
    all of the API, and tests/api/test_description.py holds that it would be the same."""
    return json.loads(FILE.read_text())


def made() -> dict[str, Any]:
    from api.root import api

    return json.loads(json.dumps(api.get_openapi_schema()))


def written(description: dict[str, Any]) -> str:
    return json.dumps(description, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
    django.setup()
    FILE.write_text(written(made()))
