"""What a delivered folder says of how it was made: names and versions; no address, price, mailbox, budget or key."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from configs.profile import load_profile
from flows.kept.summary import _title
from tasks.records.facts import MediaFacts
from tasks.records.record import Asset
from tasks.records.script import Script
from tasks.records.title import Run, Title


def test_title_json_tells_nothing_of_the_operators_machines(tmp_path: Path) -> None:
    profile = load_profile(
        "fake",
        {
            "translate": {
                "backend": "llm",
                "options": {"model": "small", "url": "http://gpu.inside:8000/v1", "key_variable": "INSIDE_API_KEY"},
            },
            "transcribe": {"backend": "openai", "options": {"model": "ears", "url": "http://ears.inside:8000/v1"}},
            "synthesize": {
                "backend": "openai",
                "options": {"model": "lips", "url": "http://lips.inside:8000/v1", "voices": ["inside-voice"]},
            },
            "notify": {"mail": {"host": "smtp.inside", "sender": "dubs@inside", "to": ["ops@inside"]}},
            "budget": {"usd": 4321.0},
            "prices": {"llm/small": {"characters": 98.76}},
            "voices": "/srv/operator/voices.yaml",
        },
    )
    video = Asset(uri=str(tmp_path / "v.mp4"), sha256="0" * 64, bytes=1)
    title = Title(name="t", video=video, source="t.mp4", folder=str(tmp_path / "t"), languages=("es",))
    work = SimpleNamespace(
        client_bed=None,
        notes=(),
        facts=MediaFacts(container="mp4", duration_ms=1000, picture=None, audio=()),
        script=Script(language="en", lines=()),
    )
    result = SimpleNamespace(work=work, branches=(), notes=(), deliveries=())
    told = _title(Run(title=title, profile=profile, store=str(tmp_path)), cast(Any, result))
    text = json.dumps(told)
    for secret in ("inside", "INSIDE", "8000", "4321", "98.76", "/srv/operator"):
        assert secret not in text, secret
    named = {step: told["provenance"]["backends"][step]["name"] for step in ("transcribe", "translate", "synthesize")}
    assert named == {"transcribe": "openai", "translate": "llm", "synthesize": "openai"}
    assert told["provenance"]["profile"]["loudness"] == "r128"
