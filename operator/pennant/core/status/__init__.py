"""The output of a pass for users: conditions and Events; and the time of the next pass."""
