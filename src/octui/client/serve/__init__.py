"""Runs over ``opencode serve``: several sessions on one server, seen token by token, answered while they wait."""
