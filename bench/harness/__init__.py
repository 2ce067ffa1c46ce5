"""Measures Stoa beside other servers and writes down what was found. Standard library only."""
