"""A run of `zoo predict` over many images and videos: progress, files, journal and summary."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from rich.markup import escape
from rich.progress import Progress

from lightning_modules.base import PoseModule
from lightning_modules.prediction import Prediction
from zoo.errors import ZooError
from zoo.prediction.contact_sheet import NAME, Tile, draw_contact_sheet
from zoo.prediction.export import write_prediction
from zoo.prediction.export.files import LongNameError, write_files
from zoo.prediction.fit import fit_parameters
from zoo.prediction.formats import DEFAULT_FORMATS, Format
from zoo.prediction.journal import Journal
from zoo.prediction.many import BoxFinder, Predicted, predict_files
from zoo.prediction.predict import body_name, fitted_body_name
from zoo.prediction.progress import report, run_progress
from zoo.prediction.sources import SourceFile
from zoo.prediction.video.predict import VideoSettings
from zoo.prediction.video.reader import VideoReader
from zoo.prediction.video.run import write_video
from zoo.prediction.video.source import camera_source, file_source


class FolderRun:
    """Results of many images and videos in one folder.

    Args:
        model: from `zoo.load`.
        name: of its weights.
        folder: for the results.
        settings: everything that changes the results; what was done with others is done again.
        again: do everything again.
        fit: estimate the parameters that the method does not give, see `fit_parameters`.
        formats: see `write_prediction` and `VideoFiles`.
        seconds: at most of every video.

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
        seconds: float | None = None,
    ) -> None:
        self.seconds = seconds
        self.model, self.name, self.folder, self.again, self.formats = model, name, folder, again, formats
        self.fit, self.body = fit, fitted_body_name(model) if fit else body_name(model)
        self.journal = Journal(folder, settings)
        self.counts: Counter[str] = Counter()
        self.problems: dict[SourceFile, str] = {}

    def run(self, files: Sequence[SourceFile], find_boxes: BoxFinder, settings: VideoSettings) -> int:
        """Predict, write and report; 1 if an image or a video could not be predicted, else 0.

        Images come first, in batches, then one video after the other.

        Args:
            files: images and videos.
            find_boxes: says where people are.
            settings: of images those that are not about time.

        Raises:
            ZooError: the folder cannot be written.
        """
        waiting = [file for file in files if self.again or file.is_camera or not self.journal.is_done(file.path)]
        self.counts["done before"] = len(files) - len(waiting)
        images, videos = ([file for file in waiting if file.is_video == kind] for kind in (False, True))
        try:
            with run_progress() as progress:
                self._run_images(images, find_boxes, settings, progress)
                for video in videos:
                    self._run_video(video, find_boxes, settings, progress)
        except KeyboardInterrupt:
            done = sum(self.counts[what] for what in ("predicted", "without people", "videos", "done before"))
            print(f"zoo: {done} of {len(files)} files are done; the same command goes on from there", file=sys.stderr)
            raise
        if self._has_sheet(files):
            write_files({NAME: draw_contact_sheet([self._tile(file) for file in files])}, self.folder)
        print(self.summary(files))
        return 1 if self.problems else 0

    def _run_images(
        self, images: Sequence[SourceFile], find_boxes: BoxFinder, settings: VideoSettings, progress: Progress
    ) -> None:
        if not images:
            return
        task = progress.add_task("", total=len(images))
        for predicted in predict_files(self.model, images, find_boxes, settings.focal, settings.batch_size):
            problem = predicted.error
            if problem is None:
                try:
                    self._keep(predicted)
                except LongNameError as error:
                    problem = f"{predicted.file.path}: {error}"
            if problem is not None:
                self._fail(predicted.file, problem, progress)
            progress.update(task, advance=1, description=escape(predicted.file.path.name))

    def _fail(self, file: SourceFile, problem: str, progress: Progress) -> None:
        """What failed is tried again by the next run."""
        self.problems[file] = problem
        report(progress, problem)

    def _run_video(self, file: SourceFile, find_boxes: BoxFinder, settings: VideoSettings, progress: Progress) -> None:
        """A video that cannot be read is reported; one that ends early is kept, and its line says so."""
        try:
            source = camera_source(int(file.path.name)) if file.is_camera else file_source(file.path)
            with VideoReader(source, self.seconds) as reader:
                task = progress.add_task(escape(file.path.name), total=reader.expected_frames)
                outcome = write_video(
                    self.model,
                    self.name,
                    reader,
                    find_boxes,
                    settings,
                    self.folder / file.output,
                    file.stem,
                    self.formats,
                    self.body,
                    self.fit,
                    lambda: progress.advance(task),
                )
                progress.update(task, total=outcome.frames)
        except ZooError as error:
            self._fail(file, str(error), progress)
            return
        if outcome.problem is not None:
            report(progress, f"{outcome.problem}; what could be read is kept")
        self.counts["videos"] += 1
        self.counts["frames"] += outcome.frames
        self.counts["followed"] += outcome.people
        if not file.is_camera:
            self.journal.add(file.path, outcome.people)

    def _keep(self, predicted: Predicted) -> None:
        """Write the files of an image, then its line of the journal."""
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

    def _has_sheet(self, files: Sequence[SourceFile]) -> bool:
        return "sheet" in self.formats and len(files) > 1

    def _tile(self, file: SourceFile) -> Tile:
        """From the files in the folder, since an earlier run may have written them."""
        if file in self.problems:
            return Tile(file.path.name, self.problems[file].removeprefix(f"{file.path}").lstrip(": "), None)
        people = self.journal.people(file.path)
        note = "" if people is None else _number(people, "person") if people else "nobody"
        stem = self.folder / file.output / file.stem
        endings = ("_overlay.mp4", "_overlay.png", "_skeleton.png") if people != 0 else ("_overlay.mp4",)
        drawn = next((path for end in endings if (path := stem.with_name(stem.name + end)).is_file()), file.path)
        return Tile(file.path.name, note, drawn)

    def summary(self, files: Sequence[SourceFile]) -> str:
        """What became of the images and videos, in one line."""
        count, videos = self.counts, sum(file.is_video for file in files)
        images = len(files) - videos
        what = [_number(images, "image")] if images or not videos else []
        what += [_number(videos, "video")] if videos else []
        parts = [f"{count['predicted']} predicted ({_number(count['people'], 'person')})"] if images else []
        if count["videos"]:
            people = _number(count["followed"], "person")
            parts.append(f"{_number(count['frames'], 'frame')} of {_number(count['videos'], 'video')} ({people})")
        count["failed"] = len(self.problems)
        parts += [f"{count[what]} {what}" for what in ("without people", "failed", "done before") if count[what]]
        shown = f"; {NAME} shows them" if self._has_sheet(files) else ""
        return f"{', '.join(what)}: {', '.join(parts)}; results in {self.folder}{shown}"


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {'people' if what == 'person' else what + 's'}"
