"""The command line. A command loads what it needs when it runs, so that ``--help`` and ``--version`` are instant."""
