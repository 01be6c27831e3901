"""Control's own record: a Django app of its own, because its tables live in a database of their own (ADR 15)."""
