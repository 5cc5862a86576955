"""Real Whisper models, for either package, that write one sentence, whatever they hear."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SENTENCE = " Good morning. My name is Jordi."
_WIDTH, _TIMES = 64, 1501


def save_tiny_whisper(folder: Path) -> Path:
    """A checkpoint that writes one sentence, whatever it hears.

    Its layers add nothing to the residual stream, so each position's embedding decides the next token; attention stays
    random, which gives word alignment something to work on.
    """
    import torch
    from whisper.model import ModelDimensions, Whisper
    from whisper.tokenizer import get_tokenizer

    dims = ModelDimensions(80, 1500, 64, 2, 1, 51865, 448, 64, 2, 2)
    tokens = get_tokenizer(True, language="en", task="transcribe")
    text = tokens.encode(SENTENCE)
    start, end = tokens.timestamp_begin, tokens.timestamp_begin + 200  # 0 and 4 seconds
    spoken = [tokens.to_language_token("en"), tokens.transcribe, start, *text, end, tokens.eot]
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
    path = folder / "says.pt"
    torch.save({"dims": vars(dims), "model_state_dict": model.state_dict()}, path)
    return path


def save_tiny_converted_whisper(folder: Path) -> Path:
    """A CTranslate2 model built likewise: write ``model.bin``, its vocabulary and ``tokenizer.json``; the folder."""
    import torch
    from ctranslate2.converters.transformers import WhisperLoader
    from transformers import WhisperConfig, WhisperForConditionalGeneration
    from whisper.tokenizer import get_tokenizer

    tokens = get_tokenizer(True, language="en", task="transcribe")
    names = _names(tokens)
    config = WhisperConfig(
        vocab_size=len(names), num_mel_bins=80, d_model=_WIDTH, encoder_layers=2, encoder_attention_heads=2,
        encoder_ffn_dim=64, decoder_layers=2, decoder_attention_heads=2, decoder_ffn_dim=64, max_source_positions=1500,
        max_target_positions=448, decoder_start_token_id=tokens.sot, eos_token_id=tokens.eot, pad_token_id=tokens.eot,
        bos_token_id=tokens.eot,
    )  # fmt: skip
    text = tokens.encode(SENTENCE)
    said = [tokens.to_language_token("en"), tokens.transcribe, tokens.timestamp_begin, *text]
    said += [tokens.timestamp_begin + 200, tokens.eot]  # from 0 to 4 seconds
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(7)
        model = WhisperForConditionalGeneration(config).eval()
        for name, weight in model.named_parameters():
            if "out_proj" in name or "fc2" in name:
                weight.zero_()
        words = torch.nn.functional.normalize(torch.randn(len(names), _WIDTH), dim=1)
        decoder = model.model.decoder
        decoder.embed_tokens.weight.copy_(words)
        model.proj_out.weight.copy_(words)
        decoder.embed_positions.weight.copy_(10 * words[tokens.eot].expand(448, -1))
        decoder.embed_positions.weight[: len(said)].copy_(10 * words[said])
        decoder.layer_norm.weight.fill_(4.0)
        decoder.layer_norm.bias.zero_()
        loader = WhisperLoader()
        spec = loader.get_model_spec(model)
    loader.set_config(spec.config, model, None)
    spec.config.lang_ids = [tokens.to_language_token(code) for code in tokens.all_language_codes]
    spec.config.suppress_ids, spec.config.suppress_ids_begin = [], []
    loader.set_vocabulary(spec, names)
    spec.validate()
    spec.optimize()
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))
    _save_tokenizer(folder / "tokenizer.json", names, tokens)
    return folder


def _names(tokens: Any) -> list[str]:
    """Every token as byte-level tokenizers write it, the timestamps last."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    letters = bytes_to_unicode()
    special = {number: name for name, number in tokens.special_tokens.items()}
    count = tokens.timestamp_begin + _TIMES
    return [
        special.get(number) or "".join(letters[byte] for byte in tokens.encoding.decode_single_token_bytes(number))
        for number in range(count)
    ]


def _save_tokenizer(path: Path, names: list[str], tokens: Any) -> None:
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    plain = {name: number for number, name in enumerate(names) if number < tokens.eot}
    made = Tokenizer(models.BPE(vocab=plain, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(name, special=True) for name in names[tokens.eot :]])
    made.save(str(path))
