"""Builds each function's object graph from its settings, once for each container.

A module for each function, so that none loads what another needs.
"""
