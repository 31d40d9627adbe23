"""The backbone's training: people in renderings, before any of the methods sees them."""
