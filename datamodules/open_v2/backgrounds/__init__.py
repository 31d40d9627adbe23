"""Pictures without people, to put behind people."""
