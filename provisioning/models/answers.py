from django.db import models


class KeptAnswer(models.Model):
    """What the API answered to a request that named itself with an Idempotency-Key. ``key`` stands for who asked and
    that text, ``request`` for all that was sent; ``status`` 0: the first one is not answered yet."""

    key = models.CharField(max_length=64, unique=True)
    request = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    headers = models.JSONField(default=dict)
    body = models.TextField(blank=True)
    at = models.DateTimeField(db_index=True)

    def __str__(self):
        return self.key
