"""The commands of `python -m ecotrack`, a module each, and what they share."""
