"""Filters of lists that people keep under a name."""

from django.conf import settings
from django.db import models

from provisioning.spelling import SortKey

QUERY_CHARACTERS = 2000


class SavedSearch(models.Model):
    """``list``: the name of the list's address; ``query``: the query string of its filter, of which every value is
    valid. ``shared``: everybody sees it, else its ``user`` alone."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="searches")
    list = models.CharField(max_length=32)
    name = models.CharField("Name", max_length=64)
    query = models.CharField(max_length=QUERY_CHARACTERS)
    shared = models.BooleanField("Shared", default=False)

    class Meta:
        ordering = [SortKey("name"), "name", "id"]
        constraints = [models.UniqueConstraint(fields=["user", "list", "name"], name="one_search_of_a_name")]

    def __str__(self):
        return self.name
