"""What `zoo data` does with a benchmark on the user's disk."""
