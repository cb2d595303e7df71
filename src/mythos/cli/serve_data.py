"""The folders that `mythos serve` answers from, and what of them may be used where the hub is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mythos.cli.ask_shared import RECORDS
from mythos.cli.shared import Home
from mythos.errors import InputError

if TYPE_CHECKING:
    from mythos.hub.desk import Data, Rights

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}", re.ASCII)
_PURPOSES: Final = ("retrieve", "quote")


def served(items: Sequence[str], region: str | None, home: Home, party: str) -> tuple[Data, ...]:
    """What `--data NAME=FOLDER` names, in its order.

    Raises:
        InputError: not of this form, a name twice, no such folder, or records and no region.
    """
    from mythos.hub.desk import Data

    made: dict[str, Data] = {}
    for item in items:
        name, _, folder = item.partition("=")
        path = Path(folder).absolute()
        if not _NAME.fullmatch(name) or not folder or name in made:
            raise InputError(
                "data without a name of its own", expected="--data NAME=FOLDER, a-z 0-9 _ -", found=item[:80]
            )
        if not path.is_dir():
            raise InputError(f"the data {name} is not a folder", found=folder[:200])
        made[name] = Data(name, path, _rights(path, region, home, party))
    return tuple(made.values())


def _rights(folder: Path, region: str | None, home: Home, party: str) -> Rights:
    """The data room's decisions for every record, taken anew at each call.

    Where records were when the hub started, their absence later allows nothing.

    Raises:
        InputError: there are records, and nobody said where the hub is.
    """
    path = folder / RECORDS
    had = path.is_file()
    if had and region is None:
        raise InputError(f"{RECORDS} has rights by place", expected="--region CC", found="no --region")

    def rights() -> Mapping[str, Sequence[str]] | None:
        from mythos.cli.data_shared import pack_of
        from mythos.data import Place, decide
        from mythos.data.admit import read_records
        from mythos.units import Instant

        if not path.is_file():
            return {} if had else None
        if region is None:
            return {}
        here, pack, today = (
            Place(region, region, third_party=False),
            pack_of(None, home, party),
            Instant.now(),
        )
        on = today.datetime.date()
        records = read_records(path)
        return {
            purpose: [
                name
                for name, record in records.items()
                if decide(record, purpose, here, pack, on).outcome == "allow"
            ]
            for purpose in _PURPOSES
        }

    return rights
