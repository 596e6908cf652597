"""Tags of a Git repository, read with git itself."""
