"""Training sets that are larger than a disk: samples in tar files that are read one after the other (WebDataset)."""
