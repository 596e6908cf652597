"""Azure ML workspaces and registries, by their REST APIs."""
