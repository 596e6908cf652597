"""The Deployment: its manifest, the write that it needs, and manual changes of it."""
