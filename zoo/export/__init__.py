"""Files of a prediction: overlay, skeleton, mesh, viewer and numbers."""

from zoo.export.files import write_prediction
from zoo.export.person import Photo

__all__ = ["Photo", "write_prediction"]
