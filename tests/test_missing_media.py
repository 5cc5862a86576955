"""A clone without the test media says what it does not test, and CI does not pass it."""

from __future__ import annotations

import pytest

_CONFTEST = "from tests.missing_media import pytest_runtest_makereport, pytest_terminal_summary"
_TESTS = """
    import pytest
    from tests.missing_media import MissingMedia

    @pytest.fixture(scope="module")
    def clip():
        raise MissingMedia("real/talk.mp4")

    def test_one(clip): ...
    def test_two(clip): ...
    def test_three(): raise MissingMedia("real/other.mp4")
    def test_needs_no_media(): ...
    def test_lacks_a_program(): pytest.skip("no Chromium here")
"""


@pytest.fixture
def clone(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder of tests that need media, some of which are not there."""
    pytester.makeconftest(_CONFTEST)
    pytester.makepyfile(_TESTS)
    return pytester


@pytest.mark.parametrize("ci", [None, "", "false", "0"])
def test_a_developer_is_told_how_many_tests_lacked_their_media(
    clone: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, ci: str | None
) -> None:
    monkeypatch.delenv("CI", raising=False)
    if ci is not None:
        monkeypatch.setenv("CI", ci)
    ended = clone.runpytest_inprocess("-p", "no:cacheprovider")
    ended.assert_outcomes(passed=1, skipped=4)
    ended.stdout.fnmatch_lines(["*test media not here (POLYDUB_MEDIA*): 3 tests skipped for it*"])
    assert ended.ret == 0


@pytest.mark.parametrize("ci", ["true", "1", "woodpecker"])
def test_in_ci_a_test_that_lacks_its_media_fails_and_says_which(
    clone: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, ci: str
) -> None:
    monkeypatch.setenv("CI", ci)
    ended = clone.runpytest_inprocess("-p", "no:cacheprovider")
    ended.assert_outcomes(passed=1, skipped=1, failed=1, errors=2)  # a fixture that fails is an error
    ended.stdout.fnmatch_lines(["*test_three: test media real/other.mp4 is not here (set POLYDUB_MEDIA). CI is set:*"])
    ended.stdout.fnmatch_lines(["*3 tests failed for it*"])
    assert ended.ret == 1


def test_nothing_is_said_where_all_is_there(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(_CONFTEST)
    pytester.makepyfile("def test_one(): ...")
    assert "test media" not in pytester.runpytest_inprocess("-p", "no:cacheprovider").stdout.str()
