"""Sources with rights and residency, the pipeline, shards, takedown.

Nothing stands here yet. What a data holder signs (`dataset-admitted`, `data-export`, `takedown`) has its
final form in `mythos.evidence`.
"""
