"""Benchmarks of the operator on a real control plane, each beside a client that only does the writes.

`python -m bench` runs all of them; `python -m bench --help` has the scenarios.
"""
