"""The session folder: the one place where a session lives, written by its supervisor and read by everyone."""
