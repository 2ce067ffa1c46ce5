"""Measures Stoa and other servers and writes the results. Standard library only."""
