"""How an app runs: listeners, signals, start and graceful stop."""
