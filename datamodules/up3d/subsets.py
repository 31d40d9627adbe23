"""Which images of UP-3D a protocol means."""

from __future__ import annotations

from dataclasses import dataclass

TAN_139 = frozenset((
    653, 655, 660, 667, 670, 672, 677, 678, 680, 681, 682, 684, 701, 702, 705, 706, 712, 716, 717, 719, 721, 723, 739,
    740, 742, 746, 760, 762, 767, 774, 781, 784, 786, 787, 797, 807, 824, 833, 838, 842, 844, 855, 863, 864, 882, 886,
    891, 892, 897, 903, 914, 917, 924, 933, 936, 946, 948, 950, 954, 955, 967, 969, 970, 976, 979, 980, 981, 989, 994,
    996, 1000, 1001, 1003, 1004, 1008, 1009, 1011, 1013, 1014, 1016, 1018, 1019, 1022, 1036, 1038, 1039, 1040, 1045,
    1053, 1058, 1061, 1062, 1071, 1072, 1076, 1086, 1091, 1092, 1096, 1100, 1102, 1107, 1109, 1111, 1126, 1131, 1137,
    1141, 1148, 1149, 1153, 1162, 1177, 1179, 1182, 1185, 1187, 1194, 1202, 1204, 1207, 1209, 1218, 1220, 1225, 1227,
    1228, 1230, 1231, 1233, 1235, 1240, 1241, 1243, 1253, 1271, 1273, 1283, 1284,
))  # fmt: skip
"""Numbers of the test images that Tan et al. (2017) chose, as BodyNet lists them."""


@dataclass(frozen=True)
class Subset:
    """Images of one of UP-3D's lists.

    Attributes:
        split: `test` or `val`.
        dataset: which data set they come from, as `_dataset_info.txt` calls it; empty for all.
        numbers: which they are; None for all.
        expected: how many there are; None where nobody says.
    """

    split: str = "test"
    dataset: str = ""
    numbers: frozenset[int] | None = None
    expected: int | None = None


SUBSETS: dict[str, Subset] = {
    "up3d-test": Subset(expected=1389),
    "up3d-lsp-639": Subset(dataset="lsp", expected=639),
    "up3d-139": Subset(numbers=TAN_139, expected=139),
    "up3d-mpii": Subset(dataset="mpii"),
    "up3d-fashionpose": Subset(dataset="fashionpose"),
    "up3d-val-24j": Subset(split="val", expected=1423),
    "upi-s1h-val": Subset(split="val", expected=1423),
}
"""The test split of every protocol."""
