#!/bin/sh
# Debian packages that are missing, and uv. Idempotent; says what it does; needs root (or sudo) only when something is missing.
# `--grown` adds what a fleet and its dashboard are tested on: Postgres, Redis, a browser and systemd's checker.
set -eu

packages="ffmpeg apertium apertium-eng-spa apertium-fr-es apertium-es-pt apertium-spa-ita apertium-eng-cat"
[ "${1:-}" != --grown ] || packages="$packages postgresql redis-server chromium systemd"
if ! command -v uv >/dev/null 2>&1 && [ ! -x .tools/bin/uv ]; then
  python3 -c 'import ensurepip, venv' 2>/dev/null || packages="$packages python3-venv"
fi

if command -v dpkg-query >/dev/null 2>&1; then
  missing=""
  for package in $packages; do
    status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing="$missing $package"
  done
  if [ -n "$missing" ]; then
    echo "setup: installing Debian packages:$missing"
    root=""
    [ "$(id -u)" = 0 ] || root="sudo"
    $root apt-get update -qq
    $root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
  fi
else
  for program in ffmpeg ffprobe apertium; do
    command -v "$program" >/dev/null 2>&1 || echo "setup: $program is missing; install it with your system's package manager" >&2
  done
fi

if ! command -v uv >/dev/null 2>&1; then
  if [ ! -x .tools/bin/uv ]; then
    echo "setup: installing uv into .tools"
    python3 -m venv .tools
    .tools/bin/python -m pip install --quiet "uv>=0.9,<1"
  fi
  bin=/usr/local/bin
  [ -w "$bin" ] || { bin="$HOME/.local/bin"; mkdir -p "$bin"; }
  [ -e "$bin/uv" ] || ln -sf "$(pwd)/.tools/bin/uv" "$bin/uv"
  command -v uv >/dev/null 2>&1 || echo "setup: add $bin to your PATH to use \`uv run polydub\`"
fi
