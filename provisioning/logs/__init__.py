"""The centralized log: records that a pair carries, read into a database of their own, searched and shown."""
