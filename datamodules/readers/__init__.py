"""What the readers of several benchmarks share: file formats, geometry of labels, and fits of others."""
