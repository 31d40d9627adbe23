"""Images become predictions, and predictions files."""
