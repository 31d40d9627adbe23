"""Poses: captured motion brought to the open body, sports, and variation."""
