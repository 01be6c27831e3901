"""What the console's log leaves out."""

import logging

REFUSED = (403, 404)


class NoTraceOfRefusals(logging.Filter):
    """A request that was refused is one line: its trace would tell nothing but how views refuse."""

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "status_code", None) in REFUSED:
            record.exc_info = record.exc_text = None
        return True
