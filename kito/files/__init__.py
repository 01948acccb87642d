"""Files: found below a root, judged by validators, cut into ranges, and sent without blocking the loop."""

from .answering import FileAnswer, FileOptions, file_exists
from .names import safe_name, safe_parts

__all__ = ("FileAnswer", "FileOptions", "file_exists", "safe_name", "safe_parts")
