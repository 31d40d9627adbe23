"""Data sets of one's own."""

from dataclasses import replace

from metrics.pose2d import PCK, BoxError, PCKh, WithinBox
from metrics.protocols.lsp import LSP

OWN = (
    replace(
        LSP[0],
        id="own-2d",
        benchmark="your own data",
        split="test",
        frames="every labelled person, cropped by the box of the labels, else by one around the joints",
        ground_truth="joints in the image, those that are labelled",
        aliases=(
            *LSP[0].aliases,
            *(("neck_lsp", name) for name in ("neck_mpii", "neck_h36m", "neck_mpi", "neck")),
            ("head_top", "head_lsp"),
        ),
        scores=(WithinBox, BoxError, PCK, PCKh),
        note="Ankles, knees, hips, wrists, elbows and shoulders, as far as they are labelled; a method's own hip is "
        "compared with the labelled one as it is. PCK needs people with both shoulders and hips, PCKh such with head "
        "top and neck. Two numbers compare only when their fingerprints of the data are the same. `box_error` is the "
        "mean over people, the other numbers pool all joints.",
    ),
)
