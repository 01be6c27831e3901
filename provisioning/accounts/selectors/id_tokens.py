"""ID tokens of a provider of single sign-on: whether one was signed by it, for us, lately."""

from typing import Any

import jwt

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""With a key that the provider alone has: a token does not say itself how it is to be looked at."""
SAYS = ("iss", "sub", "aud", "exp", "iat")
CLOCKS_OFF_S = 60
"""The provider's clock and ours may differ by so much."""


class BadToken(Exception):
    """It is not signed by the provider, for somebody else or over."""


def claims_of(id_token: str, *, keys: Any, issuer: str, client_id: str) -> dict[str, Any]:
    """What it says. ``keys``: the document with the provider's public keys. Raises BadToken."""
    try:
        kid = jwt.get_unverified_header(id_token).get("kid")
        usable = [each for each in jwt.PyJWKSet.from_dict(keys).keys if kid in (None, each.key_id)]
        if not usable:
            raise BadToken("signed with a key that is not the provider's")
        return jwt.decode(id_token, usable[0], algorithms=ALGORITHMS, audience=client_id, issuer=issuer,
                          leeway=CLOCKS_OFF_S, options={"require": list(SAYS)})
    except (jwt.PyJWTError, ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError) as error:
        raise BadToken(type(error).__name__) from None
