"""A small network for one speaker of one title that corrects the engine's own mouths; kept only where it wins."""
