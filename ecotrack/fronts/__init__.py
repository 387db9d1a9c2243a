"""Fronts of accuracy and carbon: who is on one, how sure that is, which point to choose."""
