"""Deliverables: subtitles, per-language masters, the multi-track file."""
