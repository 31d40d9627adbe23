"""HEMlets PoSh (Zhou et al.): part-centric heatmap triplets, volumetric pose, SMPL regression."""
