"""Answers from the history of a ModelDeployment: which version served when, and whether the history is intact."""
