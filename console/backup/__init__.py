"""All that a console needs in one file, and back (docs/backup.md, Backup and restore)."""
