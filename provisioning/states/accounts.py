"""Who signs in, by what, as what."""

from django.db import models


class Role(models.TextChoices):
    """Roles of people (docs/users.md), kept as Django groups of these names."""

    ADMINISTRATOR = "Administrator"
    OPERATOR = "Operator"
    SUPPORT = "Support"


class TokenScope(models.TextChoices):
    """What an API token is good for."""

    API = "api", "REST API"
    METRICS = "metrics", "Metrics"


class TokenState(models.TextChoices):
    GOOD = "good", "Good"
    SOON = "soon", "Expires soon"
    EXPIRED = "expired", "Expired"
    DISABLED = "disabled", "Disabled"


class SignInSource(models.TextChoices):
    """Who says who a user is, and with which roles."""

    LOCAL = "", "Pairwise"
    OIDC = "oidc", "Single sign-on"
    LDAP = "ldap", "Directory"


class FactorsOf(models.TextChoices):
    """Of whom a second factor is required."""

    NOBODY = "nobody", "Nobody"
    ADMINISTRATORS = "administrators", "Administrators"
    ALL = "all", "All who sign in with a password"


class SignInResult(models.TextChoices):
    """What came of a sign-in, and how a session ended."""

    SIGNED_IN = "signed_in", "Signed in"
    REFUSED = "refused", "Not let in"
    LOCKED = "locked", "Locked"
    SIGNED_OUT = "signed_out", "Signed out"
    ENDED = "ended", "Session ended by somebody"
    UNLOCKED = "unlocked", "Unlocked"
