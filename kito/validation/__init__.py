"""Validation: from what came in, and what goes out, to the types that a route names."""

from .builders import Types
from .contract import contract_class
from .parts import PARTS, Reader, make_reader, read_all
from .schemas import Schema, SchemaMaker

__all__ = ("PARTS", "Reader", "Schema", "SchemaMaker", "contract_class", "make_reader", "read_all", "schema", "t")

t = Types()
schema = SchemaMaker()
