"""A session as a document for people and programs that do not have octui: read once, written as it is read."""
