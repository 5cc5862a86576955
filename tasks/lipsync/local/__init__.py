"""Local lip-sync systems: Wav2Lip from a checkpoint, others from their authors' checkouts."""
