#!/usr/bin/env bash
# The lip-sync engine's figures on a GPU, within ten minutes, also on a machine that reaches nothing outside.
#
#   benchmarks/gpu.sh --pack   here: collect in .gpu/ what a bare machine lacks (wheels, face networks, a clip)
#   benchmarks/gpu.sh          there: with .gpu/ carried along beside the tracked files, or where all is installed
#   benchmarks/gpu.sh --cpu    the same rows in small on the CPU, so that they are known to work
#
# A bare machine needs python3 (3.12, or PACK_PYTHON=3.11 when packing) with torch, numpy, scipy, opencv,
# flatbuffers and scikit-image; ffmpeg is not needed. The whole must stay below 64 MiB to travel.
set -euo pipefail
cd "$(dirname "$0")/.."
pack=.gpu
python=${PYTHON:-$([ -x .venv/bin/python ] && echo .venv/bin/python || echo python3)}
media=${POLYDUB_MEDIA:-../shared/media}
talk=$media/open-dubbing/tests/data/englishvideo.mp4

# One clip: at 1080 lines, or in small.
clip() {
    ffmpeg -v error -nostdin -y -i "$talk" -t "$2" -vf "scale=-2:$1:flags=lanczos" -c:v libx264 -preset slow -crf 23 \
        -pix_fmt yuv420p -c:a aac "$3"
}

if [ "${1:-}" = --pack ]; then
    rm -rf $pack && mkdir -p $pack/wheels $pack/models/face-mesh
    for name in av espeakng-loader soxr ai-edge-litert; do
        version=$(grep -A1 "^name = \"$name\"" uv.lock | sed -n 's/^version = "\(.*\)"/\1/p')
        python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary=:all: \
            --implementation cp --python-version "${PACK_PYTHON:-3.12}" \
            --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 --platform manylinux_2_17_x86_64 \
            --platform manylinux2014_x86_64 -d $pack/wheels "$name==$version"
    done
    $python - $pack <<'PYTHON'
import sys
import zipfile
from pathlib import Path

from lipsync_engine.faces.facemesh.weights import FILES, content_of

pack = Path(sys.argv[1])
for name in FILES:
    (pack / "models" / "face-mesh" / name).write_bytes(content_of(name))
# of LiteRT, what its interpreter needs: the rest is too large to travel
[whole] = (pack / "wheels").glob("ai_edge_litert-*.whl")
left = ("libLiteRt", "vendors/", "aot/", "tools/", "format_converter", "pywrap_genai")
wheel = whole.rename(whole.with_suffix(".whole"))
with zipfile.ZipFile(wheel) as given, zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as kept:
    for name in given.namelist():
        if not name.startswith(tuple(f"ai_edge_litert/{part}" for part in left)):
            kept.writestr(given.getinfo(name), given.read(name))
wheel.unlink()
PYTHON
    clip 1080 8 $pack/talk.mp4
    size=$({ git ls-files -z; git ls-files -z --others --exclude-standard; find $pack -type f -print0; } |
        du -cb --files0-from=- | tail -1 | cut -f1)
    echo "$pack: $(du -sh $pack | cut -f1); with the tracked files $((size >> 20)) of 64 MiB"
    [ "$size" -lt $((64 << 20)) ] || { echo "too large to travel" >&2; exit 1; }
    exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -d $pack/wheels ] && [ "$python" = python3 ]; then
    python3 -m pip install -q --disable-pip-version-check --no-index --no-deps --no-compile --target "$work/site" \
        $pack/wheels/*.whl
    export PYTHONPATH=$work/site${PYTHONPATH:+:$PYTHONPATH}
fi
[ -d $pack/models ] && export POLYDUB_MODELS=$PWD/$pack/models
title=$pack/talk.mp4
device=cuda frames=96
if [ "${1:-}" = --cpu ]; then
    device=cpu frames=24
    shift
    if [ -f "$talk" ] && command -v ffmpeg >/dev/null; then title=$work/small.mp4 && clip 270 2 "$title"; fi
elif [ ! -f $title ]; then
    title=$work/talk.mp4 && clip 1080 8 "$title"
fi
export PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
"$python" -m benchmarks.lipsync_gpu "$title" --device $device --frames $frames --json "${OUT:-$work}/gpu.json" "$@"
