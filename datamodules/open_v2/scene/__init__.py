"""Who and what stands where, before which camera."""
