"""The newest known state of the objects, from watches, lists and the responses to writes; quorum reads where stale."""
