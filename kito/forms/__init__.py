"""Forms: what an HTML form sends, read into fields and files within limits."""

from .data import FormData, UploadFile
from .limits import FormLimits
from .reading import form_of

__all__ = ("FormData", "FormLimits", "UploadFile", "form_of")
