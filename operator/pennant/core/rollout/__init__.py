"""Revisions: the next one, gates and limits, quarantine, commands, and the judgement of the current revision."""
