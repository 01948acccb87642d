# Http1Exchange: an Exchange framed as HTTP/1 (RFC 9112 sections 6 and 7).

from kito._core.clock import Timed
from kito._core.exchange import Exchange

class ExchangeOwner(Timed): ...
class Http1Exchange(Exchange): ...
