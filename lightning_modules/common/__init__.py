"""What several methods share: backbones, heads, rotations, the posed body, root depth, weights to start from."""
