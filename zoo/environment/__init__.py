"""What this machine has: packages, accelerators, licensed files, and benchmarks on disk."""
