"""The number of the product. Console, agent and client have this one; `./run` and pyproject.toml read it here.

A Message Server has a number of its own (``messageserver.VERSION``), of the form that the field uses: docs/upgrading.md
says what is compatible with what.
"""

VERSION = "1.0.0"
