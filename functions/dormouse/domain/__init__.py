"""What Dormouse decides, as pure functions of values: no AWS, no clock, no environment, no log."""
