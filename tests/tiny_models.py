"""Models of a few thousand random weights, saved as the real ones are: they run the real loading and inference code."""

from __future__ import annotations

from pathlib import Path


def tiny_whisper(folder: Path, says: str = " Good morning. My name is Jordi.") -> Path:
    """A multilingual Whisper checkpoint of 13 MB that writes one sentence, from 0 to 4 s, whatever it hears.

    Its layers add nothing to the residual stream, so each position's embedding decides the next token. Attention is
    random, which gives word alignment something to work on.
    """
    import torch
    from whisper.model import ModelDimensions, Whisper
    from whisper.tokenizer import get_tokenizer

    dims = ModelDimensions(80, 1500, 64, 2, 1, 51865, 448, 64, 2, 2)
    tokens = get_tokenizer(True, language="en", task="transcribe")
    begin = tokens.timestamp_begin
    spoken = [tokens.to_language_token("en"), tokens.transcribe, begin, *tokens.encode(says), begin + 200, tokens.eot]
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(7)
        model = Whisper(dims)
        for name, weight in model.named_parameters():
            if name.endswith((".out.weight", ".out.bias", "mlp.2.weight", "mlp.2.bias")):
                weight.zero_()
        words = torch.nn.functional.normalize(torch.randn(dims.n_vocab, dims.n_text_state), dim=1)
        model.decoder.token_embedding.weight.copy_(words)
        model.decoder.positional_embedding.copy_(10 * words[tokens.eot].expand(dims.n_text_ctx, -1))
        model.decoder.positional_embedding[: len(spoken)].copy_(10 * words[spoken])
        model.decoder.ln.weight.fill_(4.0)
    path = folder / "tiny-test.pt"
    torch.save({"dims": vars(dims), "model_state_dict": model.state_dict()}, path)
    return path


def tiny_vits(folder: Path) -> Path:
    """A folder with a single-speaker VITS on plain characters (``model.pth``, ``config.json``)."""
    import torch
    from TTS.tts.configs.vits_config import VitsConfig
    from TTS.tts.models.vits import Vits, VitsArgs

    arguments = VitsArgs(
        hidden_channels=16,
        hidden_channels_ffn_text_encoder=16,
        num_heads_text_encoder=2,
        num_layers_text_encoder=1,
        num_layers_flow=1,
        num_layers_posterior_encoder=1,
        upsample_initial_channel_decoder=32,
        length_scale=8.0,
        init_discriminator=False,
        use_sdp=False,
    )
    config = VitsConfig(model_args=arguments, use_phonemes=False, text_cleaner="basic_cleaners", run_eval=False)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = Vits.init_from_config(config)
    folder.mkdir(parents=True, exist_ok=True)
    config.save_json(str(folder / "config.json"))
    torch.save({"model": model.state_dict(), "config": config.to_dict()}, folder / "model.pth")
    return folder
