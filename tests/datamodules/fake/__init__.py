"""Small fake copies of the benchmarks, each in the exact layout of the real one and written from one known truth."""
