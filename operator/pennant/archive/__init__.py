"""The archive: a place outside of the cluster with a document for each revision, and for each version that is deleted.

Nothing in it is ever changed or deleted by the operator.
"""
