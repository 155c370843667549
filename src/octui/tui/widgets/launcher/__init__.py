"""The parts of the launcher's form."""
