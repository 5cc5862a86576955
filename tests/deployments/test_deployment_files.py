"""What cannot be run here, a container engine and a cluster, is held against its schema and against the code."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
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
    folder = DEPLOYMENTS / "kubernetes"
    listed = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    assert {*listed, "kustomization.yaml"} == {file.name for file in folder.iterdir()}
    return [one for name in listed for one in yaml.safe_load_all((folder / name).read_text())]


def pods() -> list[dict[str, Any]]:
    return [one["spec"]["template"]["spec"] for one in resources() if one["kind"] == "Deployment"]


def containers(pod: dict[str, Any]) -> list[dict[str, Any]]:
    return [*pod.get("initContainers", []), *pod["containers"]]


def _of_units() -> list[list[str]]:
    found = [line for unit in UNITS for line in re.findall(r"^ExecStart\w*=(.+)$", unit.read_text(), re.MULTILINE)]
    return [[Path(line.split()[0]).name, *line.split()[1:]] for line in found]


def commands() -> Iterator[list[str]]:
    """Every command that a container or a unit runs."""
    yield from (service["command"] for service in COMPOSE["services"].values() if "command" in service)
    for one in resources():
        if one["kind"] == "Deployment":
            yield from (container["command"] for container in containers(one["spec"]["template"]["spec"]))
    yield from _of_units()


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
    started = [command for command in commands() if "server" in command and "--port" in command]
    module = ["python", "-m", "flows.cli", "server"]
    assert [command[: command.index("server") + 1] for command in started] == [module, module, ["polydub", "server"]]
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
        for pod in pods()
        for container in containers(pod)
        for name, probe in container.items()
        if name.endswith("Probe") and probe["httpGet"]["port"] == 4200
    ]
    assert len(probes) == 3
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
    assert len(pods()) == 4
    for pod in pods():
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["automountServiceAccountToken"] is False
        assert all(one["securityContext"]["allowPrivilegeEscalation"] is False for one in containers(pod))


def test_workers_poll_pools_that_polydub_makes_and_cpu_workers_have_no_limit() -> None:
    """A title waits in its worker for branches of the same pool: a limit could leave it waiting for ever."""
    workers = [command for command in commands() if command[1:3] == ["worker", "start"]]
    assert {command[command.index("--pool") + 1] for command in workers} == {CPU_POOL, GPU_POOL}
    assert all(("--limit" in command) == (GPU_POOL in command) for command in workers)


def test_every_command_is_one_of_the_image(tmp_path: Path) -> None:
    known = {"polydub", "prefect", "python", "redis-server", "/data", "sh"}
    assert {command[0] for command in commands()} <= known
    # The server's image has no project installed, and so no program `polydub`.
    slim = [one for pod in pods() for one in containers(pod) if one["image"].startswith("polydub-server:")]
    slim += [one for one in COMPOSE["services"].values() if one["image"].startswith("polydub-server:")]
    assert len(slim) == 6
    assert {one["command"][0] for one in slim} == {"prefect", "python"}


def test_whatever_the_dockerfile_copies_is_there_and_reaches_the_builder_and_no_secret_does() -> None:
    dockerfile = (DEPLOYMENTS / "Dockerfile").read_text()
    copied = [
        name for line in re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE) for name in line.split()
    ]
    assert {"flows", "uv.lock", "deployments/install.sh"} <= set(copied)
    ignored = (DEPLOYMENTS.parent / ".dockerignore").read_text().splitlines()
    assert ignored[1] == "*"
    for name in copied:
        assert (DEPLOYMENTS.parent / name).exists(), name
        assert f"!{name.split('/')[0]}" in ignored, name
    assert ignored.index("deployments/.env") > ignored.index("!deployments")


def test_every_image_is_of_this_version_or_pinned_by_its_digest() -> None:
    version = tomllib.loads((DEPLOYMENTS.parent / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    named = [one["image"] for one in COMPOSE["services"].values()]
    named += [one["image"] for pod in pods() for one in containers(pod)]
    named += re.findall(r"^(?:FROM|ARG BASE=)\s*([\w./-]+:\S+)", (DEPLOYMENTS / "Dockerfile").read_text(), re.MULTILINE)
    named += [COMPOSE["services"]["worker-gpu"]["build"]["args"]["BASE"]]
    for image in named:
        assert re.fullmatch(rf"polydub-(server|cpu|cuda):{version}|\S+:\S+@sha256:[0-9a-f]{{64}}", image), image
    flows = yaml.safe_load((DEPLOYMENTS / "prefect.yaml").read_text())["deployments"]
    assert {one["version"] for one in flows} == {version}


def test_nothing_is_immutable_and_what_runs_is_bounded_and_probed() -> None:
    assert {one["kind"] for one in resources()} == {"ConfigMap", "Deployment", "Service", "PersistentVolumeClaim"}
    for pod in pods():
        assert all({"cpu", "memory"} <= set(one["resources"]["limits"]) for one in containers(pod))
    probed = [one["name"] for pod in pods() for one in pod["containers"] if "livenessProbe" in one]
    assert probed == ["server", "worker", "worker"]
    for command in commands():  # systemd's units are watched by systemd
        assert (
            command[:3] != ["prefect", "worker", "start"] or "--with-healthcheck" in command or command in _of_units()
        )
    for name, service in COMPOSE["services"].items():
        assert "mem_limit" in service, name
        assert "healthcheck" in service or name in ("objects", "bucket", "migrate", "services", "deploy"), name


def test_every_folder_that_is_written_is_a_volume_or_the_images_own_and_its_users() -> None:
    dockerfile = (DEPLOYMENTS / "Dockerfile").read_text()
    owned = set(re.search(r"install -d -o 10001 -g 10001 (.+)", dockerfile)[1].split())  # type: ignore[index]
    assert {pod["securityContext"]["fsGroup"] for pod in pods()} == {10001}
    client = {one["metadata"]["name"]: one["data"] for one in resources() if one["kind"] == "ConfigMap"}[
        "polydub-client"
    ]
    for worker in ("worker-cpu", "worker-gpu"):
        mounts = [re.sub(r"^(\$\{.*?\}|\w+):", "", mount) for mount in COMPOSE["services"][worker]["volumes"]]
        assert {mount.removesuffix(":ro") for mount in mounts} <= owned
        assert {"/media/series", "/media/out", "/var/lib/polydub/weights"} <= set(mounts)  # written
        pool = worker.replace("worker", "polydub")
        (pod,) = [pod for pod in pods() if pool in pod["containers"][0]["command"]]
        mounted = {one["mountPath"] for one in pod["containers"][0]["volumeMounts"]}
        assert {"/media", "/var/lib/polydub", "/var/lib/polydub/weights", "/tmp"} == mounted
    assert client["POLYDUB_ROOTS"].split(":")[1] == "/media/series"  # what a manifest may name as `voices`
    assert "XDG_CACHE_HOME=/var/lib/polydub/weights" in dockerfile


def test_the_secrets_that_pods_ask_for_are_those_that_the_guide_makes() -> None:
    asked = {
        source["secretRef"]["name"]
        for pod in pods()
        for one in containers(pod)
        for source in one["envFrom"]
        if "secretRef" in source
    }
    guide = (DEPLOYMENTS.parent / "docs" / "operations.md").read_text()
    assert (
        asked == set(re.findall(r"kubectl create secret generic (\S+)", guide)) == {"polydub-server", "polydub-client"}
    )


def test_the_cpu_image_leaves_out_every_part_of_cuda() -> None:
    """Those that the lock names, so that none is forgotten when it changes."""
    script = (DEPLOYMENTS / "install.sh").read_text()
    pattern = re.search(r"sed -n 's/(.+?)/--no", script)[1].replace(r"\(", "(").replace(r"\)", ")").replace(r"\|", "|")  # type: ignore[index]
    lock = tomllib.loads((DEPLOYMENTS.parent / "uv.lock").read_text("utf-8"))["package"]
    left = {one["name"] for one in lock if re.match(pattern, f'name = "{one["name"]}"')}
    needs = {one["name"]: {dependency["name"] for dependency in one.get("dependencies", [])} for one in lock}
    accelerated = {name for name in needs["torch"] if re.search("nvidia|cuda|triton", name)}
    assert accelerated | {"torch", "torchaudio"} <= left
    assert all(re.search("nvidia|cuda|triton|^torch(audio)?$", name) for name in left)


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
