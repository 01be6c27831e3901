"""Reading: query sets and reports for pages, commands and control. Nothing here writes."""
