"""The model container's image, built here and pushed to Amazon ECR: `make image`, `make push`."""
