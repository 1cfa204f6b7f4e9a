"""The reconciler, the proxy and the drain together, in time that a test chooses."""
