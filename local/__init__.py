"""The embedded local AWS: ministack, and beside it a SageMaker that runs the real container."""
