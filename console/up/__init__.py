"""`manage.py up`: the console's own processes on one machine, started, watched and stopped together."""
