"""What the other folders speak in: what a pass has seen (Observation) and what it answers (Decision)."""
