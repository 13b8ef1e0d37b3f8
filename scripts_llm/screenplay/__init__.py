"""Premise, script and continuity as frozen data, and what can be computed from them alone."""
