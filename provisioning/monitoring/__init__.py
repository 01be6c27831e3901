"""How the console itself is."""
