"""The audit: is a pair set up right, so that it fails over and loses nothing? Pure rules over facts."""
