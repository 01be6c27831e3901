from django.conf import settings
from django.db import models


class Account(models.Model):
    """What Pairwise keeps of a user besides Django's own row. A user without one has chosen the password."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE,
                                related_name="account")
    must_change_password = models.BooleanField(default=False, help_text="The password was made for one sign-in.")

    def __str__(self):
        return str(self.user)
