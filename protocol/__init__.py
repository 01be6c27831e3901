"""What Pairwise's processes say to each other: messages and the wire. Standard library only."""
