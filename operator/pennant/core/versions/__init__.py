"""ModelVersions: selection by tag, completeness, comparison of two records, semantic version bump, serving periods."""
