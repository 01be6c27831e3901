"""All that a console needs in one file, and back (docs/operating.md, Backup and restore)."""
