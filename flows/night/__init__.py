"""Many titles in one night: what is asked for, what it may cost, how it stands, what came of it."""
