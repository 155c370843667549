"""One ``opencode run``, usable as a library. Knows nothing of fleets, files or screens."""
