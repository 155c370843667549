"""octui: several opencode agents side by side, and the async client library under them."""
