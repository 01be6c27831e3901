"""What is kept of the people who sign in, besides Django's own rows."""

from django.conf import settings
from django.db import models

from provisioning.spelling import SortKey
from provisioning.states import SignInResult, SignInSource, TokenScope


class Account(models.Model):
    """A user without one has chosen the password."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE,
                                related_name="account")
    must_change_password = models.BooleanField(default=False, help_text="The password was made for one sign-in.")
    good_until = models.DateTimeField(null=True, help_text="Until when that sign-in may be.")
    used_at = models.DateTimeField(null=True, help_text="When it was.")
    is_service = models.BooleanField(default=False, help_text="A program that has tokens and never signs in.")
    source = models.CharField(max_length=8, blank=True, choices=SignInSource, default=SignInSource.LOCAL)
    link_until = models.DateTimeField(null=True, help_text="Until when who has this name at the provider of single "
                                                           "sign-on may become this user.")

    def __str__(self):
        return str(self.user)


class ApiToken(models.Model):
    """By what a program is known as ``owner`` (``accounts.rules.tokens``). ``key`` is the part that may be shown,
    ``digest`` stands for the rest, which is stored nowhere. ``roles``: those of its owner that count, as long as the
    owner has them; ``networks``: from where it is good, "" for everywhere; ``told_at``: when it was said that it
    expires soon; ``used_at`` and ``used_from`` are up to a minute old."""

    key = models.CharField(max_length=8, unique=True)
    digest = models.CharField(max_length=64)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField("Name", max_length=64)
    description = models.CharField("Description", max_length=255, blank=True)
    scope = models.CharField("Good for", max_length=16, choices=TokenScope.choices, default=TokenScope.API)
    roles = models.JSONField(default=list)
    read_only = models.BooleanField("Read only", default=False)
    networks = models.CharField("Networks", max_length=512, blank=True)
    enabled = models.BooleanField("Enabled", default=True)
    revision = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=150)
    expires_at = models.DateTimeField("Expires", null=True)
    told_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)
    used_from = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = [SortKey("name"), "name", "id"]
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="one_token_of_a_name")]

    def __str__(self):
        return self.name


class SignInTry(models.Model):
    """Sign-ins as one name from one place (``accounts.rules.sign_in``). ``name_key`` stands for the name, which may be
    a password that was typed into the wrong field. ``failures``: in a row, the last at ``tried_at``. ``untold``: those
    that History does not tell of yet."""

    name_key = models.CharField(max_length=64)
    place = models.CharField(max_length=64)
    failures = models.PositiveIntegerField(default=0)
    tried_at = models.DateTimeField(db_index=True)
    signed_in_at = models.DateTimeField(null=True)
    untold = models.PositiveIntegerField(default=0)
    told_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name_key", "place"], name="one_row_of_name_and_place")]
        indexes = [models.Index(fields=["place"])]

    def __str__(self):
        return f"sign-ins from {self.place}"


class SignInCount(models.Model):
    """How many sign-ins there were, by what came of them: a row for each result."""

    result = models.CharField(max_length=12, primary_key=True, choices=SignInResult)
    count = models.PositiveBigIntegerField(default=0)

    def __str__(self):
        return f"{self.result}: {self.count}"
