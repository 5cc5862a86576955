"""Profiles, loudness presets, languages and licences: what a run is told, checked before anything starts."""
