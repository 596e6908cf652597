"""The demo: two real models, real traffic, one bad promotion, and what the operator does about it."""
