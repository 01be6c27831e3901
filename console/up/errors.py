class CannotStart(Exception):
    """Pairwise cannot start here and now. ``str()`` is one sentence that says what to do."""
