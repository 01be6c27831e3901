"""Random faults on a real pair, for as long as one likes: ``./run soak N``."""
