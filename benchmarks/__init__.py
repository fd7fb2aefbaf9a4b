"""Benchmarks: each prints ``name | ours | reference | ratio | target | ok or short``, measured in one run."""
