"""What there is to choose from before anything starts: models, agents, MCP servers, folders. Knows no screens."""
