"""Checkouts of other systems in miniature: the flags of their programs, and where each takes its files from and to."""

from __future__ import annotations

import sys
from pathlib import Path

from configs.lipsync_external import external_systems
from tasks.lipsync.local.external import ExternalReanimator

PROGRAM = """
import argparse, os, pathlib, shutil, subprocess, sys, time
import yaml

def main(flags, where):
    parser = argparse.ArgumentParser()
    for flag in flags:
        parser.add_argument(flag, action="store_true" if flag in ("--still", "--use_float16") else "store")
    picture, speech, result = map(pathlib.Path, where(parser.parse_args()))
    assert picture.is_file() and speech.is_file() and "HF_HUB_OFFLINE" in os.environ
    result.parent.mkdir(parents=True, exist_ok=True)
    deed(picture, speech, result)

def made(result, shown="null", *others):
    inputs = [word for file in (*others, MADE) for word in ("-i", file)]
    graph = ["-filter_complex", shown] if shown != "null" else ["-c", "copy"]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *inputs, *graph, result], check=True)

def deed(picture, speech, result):
    DEED
"""
#: What each program reads from its command line, and writes; as the repositories' code does.
MAINS = {
    "musetalk": (
        "--inference_config --result_dir --version --unet_model_path --unet_config --use_float16 --batch_size "
        "--extra_margin --parsing_mode --left_cheek_width --right_cheek_width",
        "lambda a: (lambda t: (t['video_path'], t['audio_path'], f\"{a.result_dir}/{a.version}/{t['result_name']}\"))"
        "(yaml.safe_load(open(a.inference_config))['task_0'])",
    ),
    "latentsync": (
        "--unet_config_path --inference_ckpt_path --video_path --audio_path --video_out_path --temp_dir "
        "--inference_steps --guidance_scale --seed",
        "lambda a: (a.video_path, a.audio_path, a.video_out_path)",
    ),
    "sadtalker": (
        "--driven_audio --source_image --checkpoint_dir --result_dir --preprocess --still --size --pose_style "
        "--expression_scale",
        "lambda a: (a.source_image, a.driven_audio, f'{a.result_dir}/2026_11_21_09.30.00.mp4')",
    ),
    "aniportrait": (
        "--config -W -H --fps --seed --cfg --steps",
        "lambda a: (lambda case: (case[0], case[1][0], 'output/20261121/0930--seed/' + '_'.join((pathlib.Path(case[0])"
        ".stem, pathlib.Path(case[1][0]).stem, f'{a.H}x{a.W}', '3', '0930.mp4'))))"
        "(next(iter(yaml.safe_load(open(a.config))['test_cases'].items())))",
    ),
    "x-dub": (
        "--video_path --audio_path --output_dir --sample_name --ref_cfg_scale --audio_cfg_scale "
        "--num_inference_steps --seed",
        "lambda a: (a.video_path, a.audio_path, f'{a.output_dir}/{a.sample_name}_paste_compare.mp4')",
    ),
}
#: Pictures that stand beside the result.
BESIDE = {
    "aniportrait": "scale=512:512,pad=1546:516:1030:2",
    "x-dub": "[0:v][1:v]scale2ref[a][b];[a][b]hstack",
}


def well(name: str) -> str:
    """What a program does that works."""
    if name not in BESIDE:
        return "made(result)"
    return f"made(result, {BESIDE[name]!r}{', picture' if name == 'x-dub' else ''})"


def stand_in(name: str, folder: Path, made: Path, deed: str = "", **options: object) -> ExternalReanimator:
    """A checkout whose program delivers the clip ``made``, or does something else."""
    system = external_systems()[name]
    for need in system.needs:
        (folder / need.format_map(system.settings)).parent.mkdir(parents=True, exist_ok=True)
        (folder / need.format_map(system.settings)).write_bytes(b"stand-in")
    flags, where = MAINS[name]
    program = PROGRAM.replace("MADE", repr(str(made))).replace("DEED", deed or well(name))
    (folder / system.needs[0]).write_text(f"{program}\nmain({flags.split()!r}, {where})\n", "utf-8")
    return ExternalReanimator(name, {"checkout": folder, "python": sys.executable, **options})
