"""Planted secrets: secrets of every kind, put where secrets belong, and looked for everywhere else.

``plant.py`` plants them, ``places.py`` lists where they are looked for, and ``test_no_secret_leaks.py`` looks, in plain
text and in every encoding of ``traces.py``. What shows text to anybody is a place; a new one needs one function:

    @place
    def audit_reports(world):
        yield "as CSV", export_csv(...)

An address of the console needs nothing: it is looked at once it is in ``tests/provisioning/addresses.py``.
"""
