"""How pages answer, whatever they are about."""
