"""Light of real and made-up places."""
