"""Settings of the tests: the console's own, with a data directory that no other run uses."""

import os
import tempfile

os.environ.setdefault("PAIRWISE_DATA_DIR", tempfile.mkdtemp(prefix="pairwise-tests-"))

from console.settings import *  # noqa: F403 - the console's settings are the base

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AXES_ENABLED = True
