"""Screens and widgets. Owns no process and writes no file of a session."""
