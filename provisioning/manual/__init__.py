"""The documentation, as the console shows it and as ``./run docs`` writes it out: one renderer for both (ADR 36)."""
