"""SageMaker's control plane, runtime and hosting, as far as multi-model endpoints need them."""
