"""Reading tensors from a safetensors file: a length, a table in JSON, and the numbers one after the other."""

import json
import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def read_tensors(file: Path) -> "Mapping[str, NDArray[np.float32]]":
    """The tensors of 32 bits by name. They stay in the file, which is mapped into memory.

    Raises:
        OSError, ValueError: it cannot be read, or is no such file.
    """
    import numpy as np  # heavy

    with file.open("rb") as opened:
        mapped = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
    start = 8 + int.from_bytes(mapped[:8], "little")
    table = cast("dict[str, dict[str, object]]", json.loads(mapped[8:start]))
    found: dict[str, NDArray[np.float32]] = {}
    for name, row in table.items():
        if row.get("dtype") == "F32":
            first, end = cast("list[int]", row["data_offsets"])
            numbers = np.frombuffer(mapped, "<f4", (end - first) // 4, start + first)
            found[name] = numbers.reshape(cast("list[int]", row["shape"]))
    return found
