# A growable output block that becomes a `bytes` object without another copy.

from typing import final

@final
class WriteBuffer: ...
