"""What `zoo.predict` returns: a prediction that knows its image, and can be shown and saved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from jaxtyping import Float
from torch import Tensor

from lightning_modules.prediction import Prediction
from zoo.prediction.export.person import Person, SourceImage, extract_person

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True, kw_only=True, repr=False, eq=False)
class ImagePrediction(Prediction):
    """The people of one image; a notebook shows it by itself. Rows, `to` and the tables are `Prediction`'s.

    Attributes:
        source: the image and its camera.
        boxes: (x, y, width, height) of each person, pixels of the image.
        scores: the detector's probability of each; 1 for boxes that were given.
        body: name of the body that pose, shape and mesh are of, `none` where there is none.
        weights: name of the weights, or of the method when they have none.
    """

    source: SourceImage
    boxes: Float[Tensor, "batch 4"]
    scores: Float[Tensor, " batch"]
    body: str
    weights: str

    @cached_property
    def people(self) -> list[Person]:
        """Everybody as plain arrays."""
        boxes, scores = self.boxes.tolist(), self.scores.tolist()
        return [
            extract_person(self, number, tuple(box), score, self.body)
            for number, (box, score) in enumerate(zip(boxes, scores, strict=True))
        ]

    def fit_parameters(self) -> ImagePrediction:
        """With pose, shape and translation, if the method gives none; see `zoo.prediction.fit.fit_parameters`.

        Raises:
            ZooError: the mesh is of no known body, or the joints do not determine a pose.
        """
        from zoo.prediction.fit import fit_parameters

        body = "open" if self.body == "none" else self.body
        fitted = fit_parameters(self, body)
        return replace(self, smpl=fitted.smpl, body=body)

    def plot(self, height: int = 480) -> Image.Image:
        """A Pillow image: people over their image, from the side and from above.

        Args:
            height: pixels.
        """
        from zoo.prediction.export.sheet import draw_sheet

        return draw_sheet(self.people, self.source, height)

    def save(self, path: str | Path, rig: bool = False) -> Path:
        """Write one file; its ending says which.

        `.png`, `.jpg`, `.webp`: the overlay; `.glb`: meshes of everybody (`rig`: with skeletons and skins); `.html`:
        the viewer; `.json`: a list of everybody's records; `.csv`: joints; `.obj`, `.npz` and `.bvh` hold one person
        (`prediction[0].save(...)`).

        Args:
            path: of the file; its folder is created when missing.
            rig: whether a `.glb` has the body's pose and shape instead of the method's own mesh.

        Raises:
            ZooError: another ending; more people than the file holds, or none; the method does not give what it holds;
                or it cannot be written.
        """
        from zoo.prediction.export.by_suffix import file_content
        from zoo.prediction.export.files import write_files

        target = Path(path)
        content = file_content(self.people, self.source, self.weights, target.suffix.lower(), rig)
        return write_files({target.name: content}, target.parent)[0]

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}; {self.source.name} by {self.weights})"

    def _repr_html_(self) -> str:
        """Overlay and viewer, as notebooks show them."""
        from zoo.prediction.export.notebook import notebook_html

        return notebook_html(self.people, self.source, repr(self))
