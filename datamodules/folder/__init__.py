"""A data set of one's own: a folder of images and a file of keypoints; SMPL parameters where there are any.

Splits by folder: `train/`, `val/` and `test/`, those that there are, each with `keypoints.json` or `keypoints.csv`.
Splits by list: one `keypoints.json` or `keypoints.csv`, and `train.txt`, `val.txt`, `test.txt` with an image a line.

`keypoints.json` is of COCO's form: `images` (`id`, `file_name`), `annotations` (`image_id`, `keypoints`: x, y, v for
every joint with v = 0 not labelled, 1 hidden, 2 seen; `bbox`: x, y, width, height, may be missing; `iscrowd`) and
`categories`, whose `keypoints` names the joints. Crowds and people without a labelled joint are no samples.

`keypoints.csv` has a header and one row per person:

* `file`: the image
* `box_x`, `box_y`, `box_width`, `box_height`: the person's box; leave out all four, or their cells, where there is none
* `NAME_x`, `NAME_y` for every joint, and `NAME_v` if wanted: as in COCO. Without it a joint is labelled where its
  cells are filled.

Images are named relative to the folder of the keypoint file. Pixels are those of the image as it is stored, centres at
whole numbers. A box that is missing is drawn around the joints, a fifth larger than they reach.

Joints are known by the names that the skeletons of `body.skeleton` give them: `left_hip` is the joint of SMPL and COCO,
`left_hip_lsp` where LSP's annotators put it.

The SMPL parameters of `photo.jpg` are `photo.npz`, as `zoo predict --formats npz` writes it; of several people
`photo_person0.npz`, `photo_person1.npz`, ... in the order of the keypoint file. Not everybody needs one.
"""

from datamodules.folder.datamodule import FolderDataModule

__all__ = ["FolderDataModule"]
