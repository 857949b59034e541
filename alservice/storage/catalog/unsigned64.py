"""Numbers that SQL has no type for."""

from sqlalchemy import BigInteger, Dialect
from sqlalchemy.types import TypeDecorator


class Unsigned64(TypeDecorator[int]):
    """An unsigned 64-bit number in a signed column, bit for bit."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> int | None:
        """To two's complement."""
        return value - (1 << 64) if value is not None and value >= 1 << 63 else value

    def process_result_value(self, value: int | None, dialect: Dialect) -> int | None:
        """From two's complement."""
        return value + (1 << 64) if value is not None and value < 0 else value
