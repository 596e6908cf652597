"""Brings the artefacts of a version into a directory, and lets in only bytes with the digest of the record.

`pennant fetch` runs it in an init container of each pod. It needs no API server and no command-line extra.
"""
