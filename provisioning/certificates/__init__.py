"""The console's own authority: its files, the names that its certificates are for, and who trusts it."""
