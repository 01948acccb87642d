"""The middlewares that ship with kito, one a module; each function here returns one."""

from .access_logs import access_log
from .compression import compress
from .cross_origin import cors
from .deadlines import timeout
from .folders import static_files
from .identity import request_id
from .known_hosts import trusted_host
from .prometheus import metrics
from .rates import rate_limit
from .security import security_headers

__all__ = (
    "access_log",
    "compress",
    "cors",
    "metrics",
    "rate_limit",
    "request_id",
    "security_headers",
    "static_files",
    "timeout",
    "trusted_host",
)
