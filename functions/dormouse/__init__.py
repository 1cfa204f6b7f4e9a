"""Dormouse: scale-to-zero for Amazon SageMaker multi-model endpoints."""
