"""Log records that were collected from pairs, in a database of their own (docs/log.md)."""
