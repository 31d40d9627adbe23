"""Videos: read, followed, smoothed, drawn and written; see `README.md` here."""
