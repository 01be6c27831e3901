"""How passwords are kept: Argon2id with the parameters that OWASP names for little memory, as people sign in beside a
control that must not run out of it."""

from django.contrib.auth import hashers


class Argon2PasswordHasher(hashers.Argon2PasswordHasher):
    time_cost, memory_cost, parallelism = 2, 19 * 1024, 1
