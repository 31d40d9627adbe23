"""A run of `zoo predict` over many images: progress, files, journal and summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from lightning_modules.base import PoseModule
from lightning_modules.prediction import Prediction
from zoo.prediction.export import write_prediction
from zoo.prediction.fit import fit_parameters
from zoo.prediction.formats import DEFAULT_FORMATS, Format
from zoo.prediction.journal import Journal
from zoo.prediction.many import BoxFinder, Predicted, predict_files
from zoo.prediction.predict import body_name, fitted_body_name
from zoo.prediction.sources import ImageFile


class FolderRun:
    """Results of many images in one folder.

    Args:
        model: from `zoo.load`.
        name: of its weights.
        folder: for the results.
        settings: everything that changes the results; what was done with others is done again.
        again: do everything again.
        formats: see `write_prediction`.
        fit: estimate the parameters that the method does not give, see `fit_parameters`.

    Raises:
        ZooError: the folder cannot be written.
    """

    def __init__(
        self,
        model: PoseModule,
        name: str,
        folder: Path,
        settings: str,
        again: bool = False,
        formats: Collection[Format] = DEFAULT_FORMATS,
        fit: bool = False,
    ) -> None:
        self.model, self.name, self.folder, self.again, self.formats = model, name, folder, again, formats
        self.fit, self.body = fit, fitted_body_name(model) if fit else body_name(model)
        self.journal = Journal(folder, settings)
        self.counts: Counter[str] = Counter()

    def run(self, images: Sequence[ImageFile], find_boxes: BoxFinder, focal: float | None, batch_size: int) -> int:
        """Predict, write and report; 1 if an image could not be predicted, else 0.

        Raises:
            ZooError: the folder cannot be written.
        """
        waiting = [image for image in images if self.again or not self.journal.is_done(image.path)]
        self.counts["done before"] = len(images) - len(waiting)
        console = Console(stderr=True, highlight=False)
        columns = (BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn(), TextColumn("{task.description}"))
        with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
            task = progress.add_task("", total=len(waiting))
            for predicted in predict_files(self.model, waiting, find_boxes, focal, batch_size):
                self._keep(predicted)
                if predicted.error is not None:
                    progress.console.print(f"zoo: {predicted.error}", markup=False, soft_wrap=True)
                progress.update(task, advance=1, description=predicted.file.path.name.replace("[", "\\["))
        print(self.summary(len(images)))
        return 1 if self.counts["failed"] else 0

    def _keep(self, predicted: Predicted) -> None:
        """Write the files of an image, then its line of the journal; failed ones are tried again by the next run."""
        if predicted.error is not None:
            self.counts["failed"] += 1
            return
        if predicted.people and predicted.source is not None:
            rows, boxes = zip(*predicted.people, strict=True)
            file = predicted.file
            people = Prediction.join(rows)
            write_prediction(
                fit_parameters(people, self.body) if self.fit else people,
                predicted.source,
                boxes,
                self.folder / file.output,
                self.name,
                file.stem,
                formats=self.formats,
                body=self.body,
                scores=predicted.scores,
            )
        self.counts["predicted" if predicted.people else "without people"] += 1
        self.counts["people"] += len(predicted.people)
        self.journal.add(predicted.file.path, len(predicted.people))

    def summary(self, total: int) -> str:
        """What became of the images, in one line."""
        count = self.counts
        parts = [f"{count['predicted']} predicted ({count['people']} people)"]
        parts += [f"{count[what]} {what}" for what in ("without people", "failed", "done before") if count[what]]
        return f"{total} images: {', '.join(parts)}; results in {self.folder}"


class _Rate(ProgressColumn):
    """Images per second."""

    def render(self, task: Task) -> Text:
        """The rate, once there is one."""
        return Text("" if not task.speed else f"{task.speed:.1f}/s")
