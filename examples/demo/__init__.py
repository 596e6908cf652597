"""The demo: two trained models, live traffic, a promotion of the worse one, and the automatic rollback."""
