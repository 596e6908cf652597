"""Reads the model package groups of Amazon SageMaker, through the AWS client for Python."""
