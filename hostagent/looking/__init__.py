"""What is true on this host of an application: its files, its program, its process, its ports, names. Reads only."""
