"""ModelVersions: which one has the tag, whether its record is complete, how two of them compare, who served it."""
