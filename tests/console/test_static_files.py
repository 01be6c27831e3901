"""The static files as a first start collects them."""

import gzip
import json
import re
from pathlib import Path

import brotli
import pytest

from console.up import setup


@pytest.fixture
def at_a_first_start(settings, tmp_path):
    settings.PAIRWISE_DATA_DIR, settings.STATIC_ROOT = tmp_path, tmp_path / "static"
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": "console.static_files.StaticFiles"}}


def test_files_of_pages_are_collected_with_hashes_and_compressed_and_versions_that_no_page_loads_are_not(
        settings, at_a_first_start):
    said = []
    setup.collect_static(said.append)
    setup.collect_static(said.append)
    assert said == ["Collecting the static files"]
    names = json.loads((settings.STATIC_ROOT / "staticfiles.json").read_text())["paths"]
    assert {name for name in names if name.startswith("django_htmx/")} == {"django_htmx/htmx-2.min.js",
                                                                            "django_htmx/django-htmx.js"}
    for name in ("vendor/bootstrap-icons/sprite.svg", "js/frame.js", "django_htmx/htmx-2.min.js"):
        plain = settings.STATIC_ROOT / names[name]
        assert gzip.decompress(_beside(plain, ".gz")) == brotli.decompress(_beside(plain, ".br")) == plain.read_bytes()


def test_a_script_imports_others_by_the_names_that_pages_load_them_by(settings, at_a_first_start):
    """By another name it would be another script, and everything that it listens to would be done twice."""
    setup.collect_static(lambda sentence: None)
    names = json.loads((settings.STATIC_ROOT / "staticfiles.json").read_text())["paths"]
    scripts = [settings.STATIC_ROOT / hashed for name, hashed in names.items() if name.startswith("js/")]
    imported = {name for script in scripts for name in re.findall(r'from "\./([^"]+)"', script.read_text())}
    assert imported
    assert imported <= {Path(hashed).name for hashed in names.values()}


def _beside(path: Path, suffix: str) -> bytes:
    return path.with_name(path.name + suffix).read_bytes()
