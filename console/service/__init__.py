"""The console as a service of systemd, installed from a checkout or as a package of Debian: the same tree of files, the
same unit, the same account. Needs neither settings nor a database."""
