"""Reasoning over a tenant's tables and documents: catalogue, gate, cells, search, plans, bound answers.

Nothing stands here yet. The room is placed above `engines` and below `hub`, because answers call a model and
the hub serves answers.
"""
