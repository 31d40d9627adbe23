"""Files of a prediction: overlay, skeleton, mesh, viewer and numbers."""

from zoo.export.files import Photo, write_prediction

__all__ = ["Photo", "write_prediction"]
