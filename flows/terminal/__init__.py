"""The terminal interface of the `polydub` command."""
