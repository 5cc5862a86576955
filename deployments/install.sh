#!/bin/sh
# The locked environment of an image, into .venv of the folder above: `install.sh server|cpu|cuda [--dry-run]`.
#   server  what the Prefect server and its services import
#   cpu     everything, with PyTorch's build without CUDA, of the locked version (its index has no hashes in uv.lock)
#   cuda    everything as locked
set -eu
cd "$(dirname "$0")/.."
kind=$1
shift
case $kind in
server) exec uv sync --locked --only-group server "$@" ;;
cuda) exec uv sync --locked --no-dev --no-install-project --extra s3 --extra ha "$@" ;;
cpu) ;;
*) echo "install.sh: server, cpu or cuda" >&2; exit 2 ;;
esac
locked() { sed -n "/^name = \"$1\"\$/{n;s/^version = \"\\(.*\\)\"\$/\\1/p;}" uv.lock; }
without=$(sed -n 's/^name = "\(nvidia-.*\|cuda-.*\|triton\|torch\|torchaudio\)"$/--no-install-package \1/p' uv.lock | sort -u)
# shellcheck disable=SC2086  # a list of options
uv sync --locked --no-dev --no-install-project --extra s3 --extra ha $without "$@"
uv pip install --no-deps --index-url "${TORCH_INDEX:-https://download.pytorch.org/whl/cpu}" \
  "torch==$(locked torch)" "torchaudio==$(locked torchaudio)" "$@"
