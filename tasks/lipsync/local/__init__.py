"""Lip-sync systems that run on this machine: Wav2Lip from a checkpoint, others from their authors' checkouts."""
