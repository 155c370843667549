"""The socket between screens and supervisor."""
