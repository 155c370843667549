"""`octui demo`: the real opencode against a scripted model on loopback."""
