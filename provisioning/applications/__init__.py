"""Applications: the object, its rules, its editor."""
