"""What a pass says: conditions, Events, and when to look again."""
