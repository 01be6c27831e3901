"""The Local Control Agent of one host and the Celery worker it owns. Never imports Django or the console."""
