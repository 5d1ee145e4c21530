"""How noisy the benchmark is, whether a candidate is really better, and by how much: pure functions on numpy arrays."""
