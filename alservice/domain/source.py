"""What a file to import holds, column by column."""

from dataclasses import dataclass
from typing import Final

NONE: Final = "-"  # leaves a column out that would be taken by its usual name


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceColumns:
    """Which columns or arrays of a file hold what; "" means the usual names, `-` none.

    `vector` names one array (n, d) or column of lists, or several columns of numbers. Where there
    is no column of ids, they are `id_prefix` and the number of the row, from 0 on.
    """

    item_id: str = ""
    vector: tuple[str, ...] = ()
    class_id: str = ""
    text: str = ""
    uri: str = ""
    group: str = ""
    cost: str = ""
    role: str = ""
    id_prefix: str = ""
