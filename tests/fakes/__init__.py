"""Hand-written stand-ins for what Dormouse meets at its borders."""
