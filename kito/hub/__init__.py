"""The place of fan-out: topics, subscribers, history. Nothing is public here yet."""
