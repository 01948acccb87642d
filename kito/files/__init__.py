"""The place of files on their way out: static folders, ranges, conditional requests. Nothing is public here yet."""
