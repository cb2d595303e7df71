"""Reasoning over a tenant's tables and documents: so far, the ground on which no number can be invented.

    catalog ─▶ view ─▶ capture ─▶ gate ─▶ cells

`catalog` reads what a folder's tables and documents mean. `view` says what one person may know. `capture`
brings exactly that person's rows, typed and exact, into one file, because a database is no boundary between
tenants. `gate` lets one query of allowed parts pass, and `cell` runs it in a process that can open no file
and no socket.

Plans, search, bound answers and `mythos ask` do not stand here yet; `terms` holds the values they will be
made of. The room is placed above `engines` and below `hub`, because answers call a model and the hub serves
answers.
"""
