"""From an export to the objects of a cluster: what is there, what differs, and what is created."""
