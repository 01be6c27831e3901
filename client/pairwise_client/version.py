"""Of which console this came; ``console/up/client_package.py`` writes its number into the wheel."""

from __future__ import annotations

VERSION = "0+sources"
