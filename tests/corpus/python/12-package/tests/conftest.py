import pathlib
import shutil

import pytest

from inventory import Store

DATA = pathlib.Path(__file__).with_name("stock.json")


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "stock.json"
    shutil.copy(DATA, path)
    return Store(path).load()
