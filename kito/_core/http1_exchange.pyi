# Http1Exchange: an Exchange framed as HTTP/1 (RFC 9112 sections 6 and 7).

from typing import final

from kito._core.exchange import Exchange

@final
class Http1Exchange(Exchange): ...
