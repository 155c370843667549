"""The git worktrees that runs work in: made, compared, settled. All of it waits for git, so call it in a thread."""
