"""What the documentation site takes from the code: pages, figures and links made at build time."""
