"""The HTTP client of the API server: connection, requests, errors and the paths of kinds."""
