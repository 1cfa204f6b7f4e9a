"""One thin module for each Lambda function: parse, call, map the outcome."""
