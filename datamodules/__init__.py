"""One file per benchmark: reads the authors' own files and yields the one batch layout of `datamodules.batch`."""
