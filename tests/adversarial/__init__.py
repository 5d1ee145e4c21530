"""Hostile candidates, their honest twins, and the sessions that must tell them apart.

`python -m tests.adversarial` prints which candidate was stopped by what; the tests beside it run the same sessions.
"""
