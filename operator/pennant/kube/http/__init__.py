"""Requests to the API server: the connection, the client, its errors, and the kinds that it serves."""
