"""Body parameters for methods that give a mesh, or joints, alone."""

from zoo.prediction.fit.parameters import fit_parameters

__all__ = ["fit_parameters"]
