"""A pair with a finding, which tests of several pages use."""

import pytest

from .pages import audit, change


@pytest.fixture
def warned(pair):
    """A pair whose backup has no Auto-Restart (A27), audited."""
    change(pair[1], auto_restart=False)
    audit()
    return pair
