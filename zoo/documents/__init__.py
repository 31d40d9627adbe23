"""What is read as text: files that ship, YAML of a bounded size, configurations, typed entries."""
