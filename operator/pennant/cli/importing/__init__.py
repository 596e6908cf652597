"""The verb `import`: from a registry to standard output, a directory or the cluster."""
