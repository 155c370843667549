"""The supervisor: who may start, who needs what; owns every process of a session."""
