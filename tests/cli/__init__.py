"""The command line, by click's own runner and as processes."""
