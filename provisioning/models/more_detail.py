"""Servers that write a more detailed log for a while."""

from django.db import models

from .applications import Application


class MoreDetail(models.Model):
    """The option verbose in [log] of ``application`` is all until ``until``, then what it was: ``former``, or not there
    when it was not (``was_set``). ``set_by`` is who asked for it."""

    application = models.OneToOneField(Application, on_delete=models.CASCADE, related_name="more_detail")
    until = models.DateTimeField(db_index=True)
    former = models.CharField(max_length=255, blank=True)
    was_set = models.BooleanField()
    set_by = models.CharField(max_length=150)

    def __str__(self):
        return f"more detail of {self.application}"
