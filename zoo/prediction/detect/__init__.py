"""Boxes of people: the bundled detector, and files of boxes."""
