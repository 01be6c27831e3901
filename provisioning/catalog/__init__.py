"""Application Templates and Installation Packages."""
