"""Writes glossary.md from the terms that the console explains: ``python -m docs.glossary``."""

from pathlib import Path

from provisioning.glossary import TERMS

PAGE = Path(__file__).with_name("glossary.md")

HEAD = """# Glossary

Made from `provisioning/glossary.py` by `python -m docs.glossary`; a test holds that it is up to date. On the Pair page
such a word says what it means when the pointer rests on it, and leads here.
"""


def page() -> str:
    """The whole page."""
    return HEAD + "".join(f"\n## {term}\n\n{text}\n" for term, text in TERMS.items())


if __name__ == "__main__":
    PAGE.write_text(page())
