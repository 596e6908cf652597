"""All decisions, as pure functions from an `Observation` to a `Decision`. Begin with `decide.py`.

There is no input or output, clock, random number, log or framework here.
"""
