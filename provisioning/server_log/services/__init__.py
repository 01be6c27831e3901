"""What is done with a server's own log."""
