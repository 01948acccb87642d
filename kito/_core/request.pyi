# Request: what the client sent, as the handler sees it.

from typing import Any, Literal

from kito._core.body import RequestBody
from kito._core.response import Response
from kito.forms import FormData
from kito.headers import Headers, MultiDict
from kito.request import Context

class Request:
    # Views that the facade makes on first use, None before.
    _headers: Headers | None
    _query: MultiDict | None
    _cookies: dict[str, str] | None
    _ctx: Context | None
    _form: FormData | None
    _checked: dict[str, Any] | None  # parts by name as validation made them
    _response: Response | None
    @property
    def method(self) -> str: ...
    @property
    def raw_target(self) -> bytes: ...
    @property
    def raw_authority(self) -> bytes: ...
    @property
    def raw_headers(self) -> list[tuple[bytes, bytes]]: ...
    @property
    def raw_body(self) -> bytes: ...
    @property
    def http_version(self) -> Literal["1.1", "1.0"]: ...
    @property
    def params(self) -> dict[str, Any]: ...
    @params.setter
    def params(self, value: dict[str, Any] | None) -> None: ...
    def connection_info(self, name: str) -> Any: ...
    @property
    def raw_trailers(self) -> list[tuple[bytes, bytes]]: ...
    def open_body(self) -> RequestBody: ...
    async def read_body(self) -> bytes: ...
