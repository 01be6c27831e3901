"""``python -m messageserver``: the MessageServer command."""

import sys

from .main import main

if __name__ == "__main__":
    sys.exit(main())
