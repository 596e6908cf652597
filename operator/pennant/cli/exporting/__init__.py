"""The document of an export: its schema, how it is made from the cluster, and how it is checked."""
