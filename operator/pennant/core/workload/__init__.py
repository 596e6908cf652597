"""The Deployment: its manifest, the write that it needs, and what others changed in it."""
