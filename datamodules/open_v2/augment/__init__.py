"""Random changes of a batch on the device that trains."""
