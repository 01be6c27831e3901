"""Settings of the tests: the console's own, with a data directory that no other run uses."""

import os
import tempfile

os.environ.setdefault("PAIRWISE_DATA_DIR", tempfile.mkdtemp(prefix="pairwise-tests-"))

from console.settings import *  # noqa: F403 - the console's settings are the base

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":  # noqa: F405
    # A file: a database in memory cannot be shared by processes, nor by threads that write at the same time.
    DATABASES["default"]["TEST"] = {"NAME": str(PAIRWISE_DATA_DIR / "test.sqlite3")}  # noqa: F405
    DATABASES["control"]["TEST"] = {"NAME": str(PAIRWISE_DATA_DIR / "test-control.sqlite3")}  # noqa: F405
if DATABASES["log"]["ENGINE"] == "django.db.backends.sqlite3":  # noqa: F405
    DATABASES["log"]["TEST"] = {"NAME": str(PAIRWISE_DATA_DIR / "test-log.sqlite3")}  # noqa: F405
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# WhiteNoise warns about a folder that is not there.
STATIC_ROOT.mkdir(exist_ok=True)  # noqa: F405
