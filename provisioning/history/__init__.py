"""History: who changed what, in a chain of entries, and how a version is had again."""
