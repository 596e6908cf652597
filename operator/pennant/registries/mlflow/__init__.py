"""MLflow 2 and 3, over plain HTTP."""
