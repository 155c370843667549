"""Turning events into styled lines; pure, without Textual."""
