"""The jobs of a host: the frame (verify, journal, report, finish) and the steps of each kind."""
