"""Where named positions stand, as clients ask for it and change it: ``/server/positions``."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .frames import Refusal
from .ownership import StoreError

if TYPE_CHECKING:
    from .questions import Asker


async def positions(asker: "Asker", headers: Mapping[str, str]) -> object:
    """All positions on destinations that the asker may read. Raises Refusal."""
    try:
        rows = await asker.broker.consumption.positions.all()
    except StoreError as error:
        raise Refusal(f"The positions cannot be read: {error}. Try again later.") from None
    return {"positions": [row for row in rows if asker.rights.may_read(str(row["destination"]))]}


async def change_position(asker: "Asker", name: str, headers: Mapping[str, str], body: bytes) -> None:
    """Move the position ``name`` to the header ``seq``, or with ``delete:true`` end it. Raises Refusal."""
    kept, seq = asker.broker.consumption.positions, headers.get("seq")
    try:
        if headers.get("delete") == "true" and seq is None:
            await kept.delete(name, asker.rights)
        elif seq is not None and seq.isascii() and seq.isdigit() and len(seq) <= 18 and "delete" not in headers:
            await kept.reset(name, asker.rights, int(seq))
        else:
            raise Refusal("A position is changed by the header seq, the number of the last message that is dealt with, "
                          "or ended by delete:true.")
    except StoreError as error:
        raise Refusal(f"The position cannot be changed: {error}. Try again later.") from None
