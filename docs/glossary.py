"""Writes glossary.md from the terms that the console explains: ``python -m docs.glossary``."""

from pathlib import Path

from provisioning.glossary import TERMS, anchor

PAGE = Path(__file__).with_name("glossary.md")

HEAD = """# Glossary

Made from `provisioning/glossary.py` by `python -m docs.glossary`; a test holds that it is up to date. The console
shows the same under **Glossary** in the user menu, and where such a word stands on the Pair page.

| term | |
|---|---|
"""


def page() -> str:
    """The whole page."""
    return HEAD + "".join(f'| <a id="{anchor(term)}"></a>**{term}** | {text} |\n' for term, text in TERMS.items())


if __name__ == "__main__":
    PAGE.write_text(page())
