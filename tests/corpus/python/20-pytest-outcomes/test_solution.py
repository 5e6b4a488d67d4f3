import pytest

from solution import LRU


@pytest.fixture
def cache():
    cache = LRU(2)
    cache.put("a", 1)
    cache.put("b", 2)
    return cache


@pytest.fixture
def broken():
    raise ConnectionError("no server")


@pytest.fixture
def broken_after():
    yield
    raise ConnectionError("server gone")


def test_get(cache):
    assert cache.get("a") == 1


def test_evicts(cache):
    cache.put("c", 3)
    assert cache.get("a") is None


def test_size():
    with pytest.raises(ValueError):
        LRU(0)


def test_reading_refreshes(cache):
    cache.get("a")
    cache.put("c", 3)
    assert cache.get("a") == 1, "was evicted though just read"


def test_plain_exception(cache):
    cache.data["missing"]


def test_setup_error(broken):
    pass


def test_teardown_error(broken_after):
    pass


@pytest.mark.skip(reason="slow")
def test_skipped():
    pass


def test_skips_itself():
    pytest.skip("no luck")


@pytest.mark.xfail(reason="known")
def test_known_bug(cache):
    cache.get("a")
    assert list(cache.data) == ["b", "a"]


@pytest.mark.xfail(reason="thought to be broken")
def test_unexpectedly_fine(cache):
    assert len(cache.data) == 2


@pytest.mark.xfail(strict=True)
def test_strictly_unexpected(cache):
    assert cache.get("b") == 2


class TestGrouped:
    def test_default(self, cache):
        assert cache.get("zz", 9) == 9
