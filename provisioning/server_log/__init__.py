"""The last lines of a server's own log files, read from its host."""
