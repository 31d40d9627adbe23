"""DaNet: dense correspondences, decomposed perception, aggregated refinement (Zhang et al., TPAMI 2020)."""
