"""Real, untrained Coqui models of our own, saved as Coqui saves them. They hum nonsense."""

from __future__ import annotations

from pathlib import Path


def save_tiny_vits(folder: Path) -> Path:
    """Write ``model.pth`` (a quarter million parameters) and ``config.json``; the checkpoint's path."""
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


def save_tiny_xtts(folder: Path) -> Path:
    """Write ``model.pth`` (92 MB: the decoder's size is fixed), ``config.json`` and ``vocab.json``; the folder."""
    import torch
    from tokenizers import Tokenizer, models
    from TTS.tts.configs.xtts_config import XttsArgs, XttsConfig
    from TTS.tts.layers.xtts.tokenizer import VoiceBpeTokenizer
    from TTS.tts.models.xtts import Xtts

    marks = ["[STOP]", "[UNK]", "[SPACE]", "[START]", *(f"[{code}]" for code in XttsConfig().languages)]
    symbols = [*marks, *"abcdefghijklmnopqrstuvwxyz.,!?'"]
    tokenizer = Tokenizer(models.BPE(vocab={s: i for i, s in enumerate(symbols)}, merges=[], unk_token="[UNK]"))
    tokenizer.add_special_tokens(marks)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "vocab.json"))
    arguments = XttsArgs(
        gpt_layers=1,
        gpt_n_model_channels=64,
        gpt_n_heads=2,
        gpt_max_audio_tokens=24,
        gpt_num_audio_tokens=66,
        gpt_start_audio_token=64,
        gpt_stop_audio_token=65,
        gpt_use_perceiver_resampler=True,
        decoder_input_dim=64,
    )
    config = XttsConfig(model_args=arguments)
    torch.manual_seed(1)
    model = Xtts(config)
    model.tokenizer = VoiceBpeTokenizer(vocab_file=folder / "vocab.json")
    model.init_models()
    config.save_json(str(folder / "config.json"))
    torch.save({"model": model.state_dict()}, folder / "model.pth")
    return folder
