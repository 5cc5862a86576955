"""Configuration: profiles, loudness presets, languages, licences, limits and prices, validated before a run starts."""
