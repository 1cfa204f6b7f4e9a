"""Idle policies: when an endpoint that nobody asks is stopped, and started before somebody does.

The same code decides in the Lambda, in `dormouse simulate` and in the benchmark. It needs the
standard library alone, knows neither AWS nor the clock, and gives the same answers everywhere.
Times are whole minutes since 1970-01-01T00:00Z.
"""
