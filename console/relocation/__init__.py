"""Takes the databases of a console from SQLite to PostgreSQL, and back while nothing was changed (ADR 31)."""
