"""I2L-MeshNet (Moon and Lee, ECCV 2020)."""
