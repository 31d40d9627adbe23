"""Leeds Sports Pose: 2D joints of people doing sports, 2,000 images and 10,000 more (Johnson and Everingham).

Layout `raw`, as distributed:

* LSP: `images/im%04d.jpg` counted from 1 and `joints.mat` (`joints` 3 x 14 x 2000: x, y, flag). The people of the
  distribution are 150 pixels tall; `lsp_dataset_original` has the same files in full resolution.
* LSP-Extended: `images/im%05d.jpg` and `joints.mat` (`joints` 14 x 3 x 10000); or the sharper version of
  UPi-S1h's authors, `*.png` in the order of their names and `joints.mat` (14 x 3 x N).

Layout `spin`: SPIN's `lsp_dataset_original_train.npz` and `lsp_dataset_test.npz`, or `hr-lspet_train.npz`.
"""

from datamodules.lsp.datamodule import LspDataModule
from datamodules.lsp.extended import LspExtendedDataModule

__all__ = ["LspDataModule", "LspExtendedDataModule"]
