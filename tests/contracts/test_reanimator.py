"""What every hosted lip-sync system promises, at every provider that sells it; each against a server of this test."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from configs.lipsync_models import lipsync_models
from tasks.lipsync.hosted import receipt_path
from tasks.records.errors import BadInputError, MissingBackendError, PermanentError
from tests.lipsync.hosted.hosted_clips import Bench, Clips, bench, make_clips, reanimators
from tests.lipsync.hosted.servers import KEY, SERVERS

#: One model of each provider: what does not depend on the model.
ONE_EACH = [next(pair for pair in reanimators() if pair[1] == provider) for provider in SERVERS]


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    return make_clips(tmp_path_factory.mktemp("hosted"))


@pytest.fixture(params=reanimators(), ids="@".join)
def made(
    request: pytest.FixtureRequest, clips: Clips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    with bench(*request.param, clips, tmp_path, monkeypatch) as ready:
        yield ready


def test_one_job_one_result_one_receipt_and_the_key_stays_with_the_provider(made: Bench) -> None:
    shares: list[float] = []
    out = made.folder / "out.mp4"
    made.make().reanimate(made.picture(), made.clips.speech, out, shares.append)
    assert out.read_bytes() == made.clips.result
    assert made.world.paid == 1
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert [asked["keyed"] for asked in made.world.asked if asked["kind"] in ("download", "put")].count(True) == 0
    receipt = json.loads(receipt_path(out).read_text())
    assert (receipt["provider"], receipt["model"], receipt["seconds"]) == (made.provider, made.model, 2.0)
    assert receipt["usd"] == made.make().cost_usd(2.0) > 0
    assert not [path for path in made.folder.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    assert not list((made.folder / "public").glob("*"))  # nothing stays where the internet sees it
    asked = len(made.world.asked)
    assert made.run("again.mp4") == made.clips.result  # and the same inputs are not paid for again
    assert len(made.world.asked) == asked


def test_what_is_told_without_asking(made: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    assert made.make().fingerprint() == made.make().fingerprint()
    assert KEY not in made.make().fingerprint()
    assert made.make().takes == lipsync_models()[made.model].takes
    with pytest.raises(BadInputError, match="bogus"):
        made.make(bogus=1)
    with pytest.raises(BadInputError, match="loudness"):
        made.make(settings={"loudness": 11})
    assert made.make().missing() == []
    for variable in SERVERS[made.provider].variables:
        monkeypatch.delenv(variable)
        assert variable in " ".join(made.make().missing())
    with pytest.raises(MissingBackendError, match=SERVERS[made.provider].variables[0]):
        made.run()
    assert made.world.asked == []


@pytest.mark.parametrize("made", ONE_EACH, ids="@".join, indirect=True)
def test_a_wrong_key_is_named_by_its_variable(made: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SERVERS[made.provider].variables[0], "key-of-somebody-else")
    with pytest.raises(MissingBackendError, match=SERVERS[made.provider].variables[0]) as caught:
        made.run()
    assert "key-of-somebody-else" not in str(caught.value)
    assert made.world.paid == 0


@pytest.mark.parametrize("made", ONE_EACH, ids="@".join, indirect=True)
def test_a_refused_request_says_what_the_provider_said(made: Bench) -> None:
    made.world.faults["create"] = [{"status": 402, "body": '{"detail": "You have no credit left."}'}]
    with pytest.raises(PermanentError, match="no credit left"):
        made.run()
    assert made.run() == made.clips.result
    assert made.world.paid == 1
