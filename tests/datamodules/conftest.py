"""A small cache of the open benchmark that all datamodule tests share."""

import pytest

from datamodules.synthetic.cache import Split, ensure
from datamodules.synthetic.dataset import SyntheticSource
from datamodules.synthetic.generator import Generator

SMALL = Split("val", 24, 96, 0)


@pytest.fixture(scope="session")
def generator():
    return Generator(96, 0)


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def source(cache_dir):
    return SyntheticSource(ensure(SMALL, cache_dir, workers=1), "val")
