"""Measures Stoa beside other servers and writes the results. Standard library only."""
