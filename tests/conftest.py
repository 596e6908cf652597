"""What holds for all tests."""

import asyncio

# Without this, pytest-asyncio asks for "the current loop", which makes one that nobody closes.
asyncio.set_event_loop(None)
