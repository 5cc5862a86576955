import time

import pytest

from tasks.errors import TransientError, UnsupportedError
from tasks.translate import translator


def test_it_marks_the_text_with_the_language() -> None:
    assert translator("fake", {}).translate(["Hello.", ""], "en", "es") == ["[es] Hello.", ""]


def test_it_fails_for_good_or_for_now_where_told() -> None:
    backend = translator("fake", {"fail": ["ja"], "fail_transiently": ["fr"]})
    with pytest.raises(UnsupportedError, match="ja"):
        backend.translate(["Hello."], "en", "ja")
    with pytest.raises(TransientError, match="fr"):
        backend.translate(["Hello."], "en", "fr")
    assert backend.translate(["Hello."], "en", "es") == ["[es] Hello."]


def test_it_waits_where_told_without_changing_its_key() -> None:
    slow = translator("fake", {"delay_s": 0.05})
    began = time.monotonic()
    slow.translate(["Hello."], "en", "es")
    assert time.monotonic() - began >= 0.05
    assert slow.fingerprint() == translator("fake", {}).fingerprint()
