"""A request that a test makes up: what readers and forms ask of one."""

from types import SimpleNamespace

from kito.forms import FormLimits, form_of


class Asked(SimpleNamespace):
    """A request with the parts that are given; a body of the given content type."""

    def __init__(self, *, body=b"", content_type=None, **parts):
        super().__init__(raw_body=body, content_type=content_type, **parts)

    def header(self, name):
        return self.content_type if name == "content-type" else None

    def form(self):
        return form_of(self.content_type or "", self.raw_body, None, FormLimits())
