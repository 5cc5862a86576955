"""Every licence of what is installed is known, libraries inside wheels included; an unknown one ends the command."""

from email.message import Message

import pytest
from typer.testing import CliRunner

from flows.cli import app
from flows.terminal import licences


class Package:
    """A package as `importlib.metadata` gives it."""

    version = "1.0"

    def __init__(self, name: str, files: tuple[str, ...] = (), **fields: str) -> None:
        from importlib.metadata import PackagePath

        self.name, self.files = name, [PackagePath(file) for file in files]
        self.metadata = Message()
        for field, value in fields.items():
            self.metadata[field.replace("_", "-")] = value


@pytest.mark.parametrize(
    ("fields", "known"),
    [
        ({"License_Expression": "MIT"}, True),
        ({"License_Expression": "MPL-2.0 AND (Apache-2.0 OR MIT)"}, True),
        ({"License_Expression": "AGPL-3.0-only"}, False),
        ({"License_Expression": "AGPL-3.0-only OR MIT"}, True),
        ({"License_Expression": "AGPL-3.0-only AND MIT"}, False),
        ({"Classifier": "License :: OSI Approved :: ISC License (ISCL)"}, True),
        ({"Classifier": "License :: Other/Proprietary License"}, False),
        ({"License": "CC BY-NC 4.0"}, False),
        ({}, False),
    ],
)
def test_a_licence_is_known_by_what_its_metadata_says(fields, known, monkeypatch):
    monkeypatch.setattr(licences.metadata, "distributions", lambda: [Package("thing", **fields)])
    assert [one.known for one in licences.installed()] == [known]


def test_what_a_wheel_carries_is_listed_and_must_be_known(monkeypatch):
    carried = ("thing.libs/libx265-f5385bb8.so.216", "thing.libs/libmystery-0123abcd.so.1")
    monkeypatch.setattr(licences.metadata, "distributions", lambda: [Package("thing", carried, License="MIT")])
    found = {one.name: one for one in licences.installed()}
    assert found["thing/libx265"].licence == "GPL-2.0-or-later"
    assert not found["thing/libmystery"].known
    assert CliRunner().invoke(app, ["licences"]).exit_code == 1


def test_everything_that_is_installed_here_is_known():
    result = CliRunner().invoke(app, ["licences"])
    assert result.exit_code == 0, result.output
    assert "av/libx264" in result.output
