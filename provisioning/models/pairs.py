from django.db import models

from .applications import Application


class PairException(models.Model):
    """A difference between the members of a pair that an administrator declared to be intended.

    ``what`` names it as a plan of Synchronize does: ``options.<section>.<key>``, ``annex.<section>.<key>``,
    ``ports.<port ID>``, ``ports.<port ID>.<field>`` or a field of Server Info.
    """

    primary = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="pair_exceptions")
    what = models.CharField(max_length=320)
    reason = models.CharField(max_length=1024)
    declared_by = models.CharField(max_length=150)
    declared_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["what"]
        constraints = [models.UniqueConstraint(name="pair_exception_unique", fields=["primary", "what"])]

    def __str__(self):
        return f"{self.primary}: {self.what}"
