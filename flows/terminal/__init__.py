"""What the `polydub` command shows and asks in a terminal."""
