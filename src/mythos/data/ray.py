"""The same steps on a Ray cluster: the country is a resource, so a batch is only worked on where it may be.

Each node is started with the countries it stands in, such as `ray start --resources '{"region:JP": 1000}'`.
A cluster without a node in that country is refused before a row is sent. Sketches and the search for
duplicates among them (200 bytes a document) run in the driver, which must stand there too.
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
    if not ray.cluster_resources().get(needed):
        raise DataError(
            f"the Ray cluster has no node in {region}",
            expected=f"a node started with --resources '{{\"{needed}\": 1000}}'",
            found=", ".join(sorted(k for k in ray.cluster_resources() if k.startswith("region:"))) or "none",
            code="region_refused",
        )

    def runner(rows: Table, steps: Sequence[Step]) -> Table:
        source = data.from_arrow(batches(rows))
        work = partial(apply, steps)
        done = source.map_batches(work, batch_format="pyarrow", batch_size=None, resources={needed: 1})
        refs = ray.get(done.to_arrow_refs())
        return pa.concat_tables(refs, promote_options="permissive")

    return runner
