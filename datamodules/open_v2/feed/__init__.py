"""Samples rendered, kept and made into batches on the device that trains."""
