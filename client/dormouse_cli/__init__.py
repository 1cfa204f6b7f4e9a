"""Dormouse's command line. It imports nothing of the functions, nor of the container."""

__version__ = "0.1.0"
