"""What should happen: pure functions from an `Observation` to a `Decision`.

No I/O, clock, randomness, logging or framework is known here. Begin with `decide.py`.
"""
