"""Translation between the JSON of the API server and the values of the core."""
