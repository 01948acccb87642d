# Exchange: one request and its response, the seam under every protocol.

from kito._core.body import BodySource
from kito._core.clock import Timed
from kito._core.windows import Gatherer

class Flow(Gatherer): ...
class ExchangeOwner(BodySource): ...

class Exchange(Timed):
    @property
    def method(self) -> bytes: ...
    @property
    def target(self) -> bytes: ...
