"""A real, untrained VITS model of a quarter million parameters, saved as Coqui saves them. It hums nonsense."""

from __future__ import annotations

from pathlib import Path


def save_tiny_vits(folder: Path) -> Path:
    """Write ``model.pth`` and ``config.json``; the checkpoint's path."""
    import torch
    from TTS.tts.configs.vits_config import VitsArgs, VitsConfig
    from TTS.tts.models.vits import Vits

    arguments = VitsArgs(
        num_chars=100,
        out_channels=513,
        hidden_channels=16,
        hidden_channels_ffn_text_encoder=16,
        num_heads_text_encoder=2,
        num_layers_text_encoder=1,
        num_layers_posterior_encoder=1,
        num_layers_flow=1,
        upsample_initial_channel_decoder=32,
        resblock_type_decoder="2",
        resblock_kernel_sizes_decoder=[3],
        resblock_dilation_sizes_decoder=[[1, 3]],
        init_discriminator=False,
        use_sdp=False,
    )
    torch.manual_seed(1)
    model = Vits(VitsConfig(model_args=arguments, text_cleaner="basic_cleaners", use_phonemes=False, run_name="tiny"))
    folder.mkdir(parents=True, exist_ok=True)
    model.config.save_json(str(folder / "config.json"))
    torch.save({"model": model.state_dict(), "config": model.config.to_dict()}, folder / "model.pth")
    return folder / "model.pth"
