"""What each ingredient of open-v2 is worth on photographs: `python -m benchmarks.open_v2_ablation --help`."""
