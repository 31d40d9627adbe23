"""From meshes and light to a picture with coverage, and its labels."""
