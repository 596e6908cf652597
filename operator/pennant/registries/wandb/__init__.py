"""Weights & Biases: its servers over plain HTTP, and the files of offline runs."""
