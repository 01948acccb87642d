"""Independent readers of HTTP/1.1 as judges: whatever kito accepts, nobody may read differently.

`KITO_ORACLE=10` tries ten times as many examples as the suite does.
"""

import os

TIMES = int(os.environ.get("KITO_ORACLE", "1"))
EXAMPLES = 300 * TIMES  # of each generated test
THOROUGH = TIMES > 1
