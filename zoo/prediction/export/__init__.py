"""Files of a prediction: overlay, skeleton, mesh, viewer and numbers."""

from zoo.prediction.export.files import write_prediction
from zoo.prediction.export.person import SourceImage

__all__ = ["SourceImage", "write_prediction"]
