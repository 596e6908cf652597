"""What the operator remembers of the API server: fed by watches, lists and answers to its own writes."""
