"""The Django project of Pairwise: settings and what starts and wires the processes together."""
