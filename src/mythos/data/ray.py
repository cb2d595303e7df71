"""The same steps on a Ray cluster: the country is a resource, so a batch is only worked on where it may be.

Each node is started with the countries it stands in, such as `ray start --resources '{"region:JP": 1000}'`.
A cluster without a node in that country, or a driver on a node elsewhere, is refused before a row is sent.
Sketches and the search for duplicates among them (200 bytes a document) run in the driver.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from functools import partial
from typing import Any

from mythos.data.arrow import Table, pa
from mythos.data.run import Runner, apply, batches
from mythos.data.steps import Step
from mythos.errors import DataError


def in_ray(region: str) -> Runner:
    """Run batches as Ray Data's `map_batches` on the nodes of one country. Ray must be connected.

    Raises:
        DataError: Ray is not connected, or has no node there.
    """
    ray: Any = importlib.import_module("ray")
    data: Any = importlib.import_module("ray.data")
    needed = f"region:{region}"
    if not ray.is_initialized():
        raise DataError(
            "Ray is not connected", advice="Call ray.init(address=…) first, or use the process pool."
        )
    mine = ray.get_runtime_context().get_node_id()
    here: list[dict[str, float]] = [node["Resources"] for node in ray.nodes() if node["NodeID"] == mine]
    offers: dict[str, dict[str, float]] = {
        "the Ray cluster": ray.cluster_resources(),
        "this driver": here[0] if here else {},
    }
    for what, offered in offers.items():
        if not offered.get(needed):
            raise DataError(
                f"{what} has no node in {region}",
                expected=f"a node started with --resources '{{\"{needed}\": 1000}}'",
                found=", ".join(sorted(k for k in offered if k.startswith("region:"))) or "none",
                code="region_refused",
            )

    def runner(rows: Table, steps: Sequence[Step]) -> Table:
        # Ray Data looks at what it is given in tasks of its own, on any node. So it is given numbers, and
        # each task fetches its rows where the country's resource has put it.
        held = [ray.put(batch) for batch in batches(rows)]
        numbers = data.from_arrow([pa.table({"batch": [n]}) for n in range(len(held))])
        work = partial(_fetch, held, steps)
        done = numbers.map_batches(work, batch_format="pyarrow", batch_size=None, resources={needed: 1})
        refs = ray.get(done.to_arrow_refs())
        return pa.concat_tables(refs, promote_options="permissive")

    return runner


def _fetch(held: Sequence[Any], steps: Sequence[Step], numbers: Table) -> Table:
    ray: Any = importlib.import_module("ray")
    found = ray.get([held[n] for n in numbers.column("batch").to_pylist()])
    return pa.concat_tables([apply(steps, rows) for rows in found])
