"""The comparison of two versions: what differs, and how it is shown."""
