"""What cannot be run here, a container engine and a cluster, is held against its schema and against the code."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from flows.dub.pools import CPU_POOL, GPU_POOL

DEPLOYMENTS = Path(__file__).resolve().parents[2] / "deployments"
COMPOSE = yaml.safe_load((DEPLOYMENTS / "compose.yaml").read_text())
UNITS = sorted((DEPLOYMENTS / "systemd").iterdir())
SETTINGS = {
    name: value
    for name, _, value in (line.partition("=") for line in (DEPLOYMENTS / "server.env").read_text().splitlines())
    if value and not name.startswith("#")
}


def resources() -> list[dict[str, Any]]:
    files = sorted((DEPLOYMENTS / "kubernetes").glob("*.yaml"))
    return [one for file in files for one in yaml.safe_load_all(file.read_text())]


def commands() -> Iterator[list[str]]:
    """Every command that a container or a unit runs."""
    yield from (service["command"] for service in COMPOSE["services"].values() if "command" in service)
    for one in resources():
        pod = one.get("spec", {}).get("template", {}).get("spec", {})
        yield from (container["command"] for container in pod.get("containers", []))
    for unit in UNITS:
        for line in re.findall(r"^ExecStart\w*=(.+)$", unit.read_text(), re.MULTILINE):
            yield [Path(line.split()[0]).name, *line.split()[1:]]


def test_compose_is_valid_by_the_compose_specification() -> None:
    schema = json.loads((Path(__file__).parent / "compose-spec.json").read_text())
    jsonschema.validate(COMPOSE, schema)


def test_compose_waits_only_for_what_is_there_and_can_say_that_it_is_ready() -> None:
    services = COMPOSE["services"]
    for name, service in services.items():
        waits = service.get("depends_on", {})
        for other in waits:
            condition = waits[other]["condition"] if isinstance(waits, dict) else "service_started"
            assert other in services, f"{name} waits for {other}"
            assert condition != "service_healthy" or "healthcheck" in services[other]
            assert condition != "service_completed_successfully" or services[other]["restart"] != "unless-stopped"
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            assert source.startswith(("$", ".")) or source in COMPOSE["volumes"]


def test_only_loopback_is_published() -> None:
    ports = [port for service in COMPOSE["services"].values() for port in service.get("ports", [])]
    assert ports == ["127.0.0.1:4200:4200"]
    for one in resources():
        assert one["kind"] != "Service" or one["spec"].get("type", "ClusterIP") == "ClusterIP"
    listening = [unit.read_text() for unit in UNITS if "polydub server" in unit.read_text()]
    assert len(listening) == 1
    assert all("--host 127.0.0.1" in text for text in listening)


def test_every_server_is_the_protected_one_with_a_password_and_its_own_names() -> None:
    started = [command for command in commands() if "server" in command[:2] and "--port" in command]
    assert [command[:2] for command in started] == 3 * [["polydub", "server"]]
    assert not any(command[:3] == ["prefect", "server", "start"] for command in commands())
    assert SETTINGS["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] == "http://127.0.0.1:4200"
    server = COMPOSE["services"]["server"]["environment"]
    assert server["PREFECT_SERVER_API_AUTH_STRING"] == "${PREFECT_AUTH:?}"
    names = {COMPOSE["x-client"]["PREFECT_API_URL"].split("/")[2].split(":")[0]: server["POLYDUB_SERVER_HOSTS"]}
    maps = {one["metadata"]["name"]: one["data"] for one in resources() if one["kind"] == "ConfigMap"}
    asked = maps["polydub-client"]["PREFECT_API_URL"].split("/")[2].split(":")[0]
    names[asked] = maps["polydub-server"]["POLYDUB_SERVER_HOSTS"]
    assert all(client == known for client, known in names.items())
    probes = [
        probe["httpGet"]
        for one in resources()
        for container in one.get("spec", {}).get("template", {}).get("spec", {}).get("containers", [])
        for name, probe in container.items()
        if name.endswith("Probe")
    ]
    assert len(probes) == 2
    assert all(probe["httpHeaders"] == [{"name": "Host", "value": "localhost"}] for probe in probes)


def test_no_secret_has_a_value() -> None:
    known = {line.split("=")[0] for line in (DEPLOYMENTS / "example.env").read_text().splitlines() if "=" in line}
    text = (DEPLOYMENTS / "compose.yaml").read_text()
    assert set(re.findall(r"\$\{(\w+)", text)) <= known
    for service in COMPOSE["services"].values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|AUTH|_KEY", name):
                assert re.fullmatch(r"\$\{\w+:\?\}", value), name


@pytest.mark.parametrize("version", ["1.33", "1.37"])
def test_kubernetes_takes_every_resource(version: str) -> None:
    for one in resources():
        kubernetes_validate.validate(one, version, strict=True)


def test_kubernetes_and_compose_run_one_server() -> None:
    maps = {one["metadata"]["name"]: one["data"] for one in resources() if one["kind"] == "ConfigMap"}
    assert maps["polydub-server"] == {**SETTINGS, "POLYDUB_SERVER_HOSTS": "polydub-server"}
    client = COMPOSE["x-client"]
    assert all(
        client[name] == value.replace("polydub-server", "server") for name, value in maps["polydub-client"].items()
    )


def test_pods_have_no_more_rights_than_they_need() -> None:
    pods = [one["spec"]["template"]["spec"] for one in resources() if one["kind"] in ("Deployment", "Job")]
    assert len(pods) == 6
    for pod in pods:
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["automountServiceAccountToken"] is False
        assert all(one["securityContext"]["allowPrivilegeEscalation"] is False for one in pod["containers"])


def test_workers_poll_pools_that_polydub_makes_and_cpu_workers_have_no_limit() -> None:
    """A title waits in its worker for branches of the same pool: a limit could leave it waiting for ever."""
    workers = [command for command in commands() if command[1:3] == ["worker", "start"]]
    assert {command[command.index("--pool") + 1] for command in workers} == {CPU_POOL, GPU_POOL}
    assert all(("--limit" in command) == (GPU_POOL in command) for command in workers)


def test_every_command_is_one_of_the_image(tmp_path: Path) -> None:
    known = {"polydub", "prefect", "python", "redis-server", "/data", "sh"}
    assert {command[0] for command in commands()} <= known
    dockerfile = (DEPLOYMENTS / "Dockerfile").read_text()
    assert all(
        (DEPLOYMENTS.parent / name).exists() for name in re.findall(r"^COPY (\w+) \w+$", dockerfile, re.MULTILINE)
    )


@pytest.mark.slow  # systemd-analyze comes with `make test-all`
def test_systemd_takes_every_unit(tmp_path: Path) -> None:
    for unit in UNITS:
        # Programs are looked for at their places on a server: here, another stands there.
        text = re.sub(r"/opt/polydub/\.venv/bin/\w+", "/bin/true", unit.read_text())
        (tmp_path / unit.name).write_text(text)
    names = [tmp_path / unit.name.replace("@.", "@2.") for unit in UNITS]
    done = subprocess.run(["systemd-analyze", "verify", *names], capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if "polydub" in line]
    assert (done.returncode, ours) == (0, []), done.stderr
