"""Manifest files: read as kubectl reads them, and checked as the API server and the operator check them, offline."""
