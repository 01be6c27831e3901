"""What is kept of the people who sign in, besides Django's own rows."""

from django.conf import settings
from django.db import models

from provisioning.states import SignInSource


class Account(models.Model):
    """A user without one has chosen the password."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE,
                                related_name="account")
    must_change_password = models.BooleanField(default=False, help_text="The password was made for one sign-in.")
    good_until = models.DateTimeField(null=True, help_text="Until when that sign-in may be.")
    used_at = models.DateTimeField(null=True, help_text="When it was.")
    source = models.CharField(max_length=8, blank=True, choices=SignInSource, default=SignInSource.LOCAL)
    link_until = models.DateTimeField(null=True, help_text="Until when who has this name at the provider of single "
                                                           "sign-on may become this user.")

    def __str__(self):
        return str(self.user)


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
