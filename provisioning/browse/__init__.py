"""The Browse dialogs."""
