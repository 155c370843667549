"""A plan: which runs to start, where, with what. TOML on disk, validated structs in memory."""
