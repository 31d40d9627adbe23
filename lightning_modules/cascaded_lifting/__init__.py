"""Cascaded Dimension-Lifting (Zhang, Zhan and Chang): bones, joints, depth order, 2.5D, and from there 3D."""
