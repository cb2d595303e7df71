"""pyarrow ships no types: this one place says so. `Table` is its table, with the columns of `steps`."""

from __future__ import annotations

import importlib
from typing import Any, TypeAlias

pa: Any = importlib.import_module("pyarrow")
compute: Any = importlib.import_module("pyarrow.compute")
parquet: Any = importlib.import_module("pyarrow.parquet")

Table: TypeAlias = Any
