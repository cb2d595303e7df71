"""Reasoning over a tenant's tables and documents, so that no number can be invented.

    catalog ─▶ view ─▶ capture ─▶ lexicon ─▶ reading ─▶ planner ─▶ plan ─▶ gate ─▶ cell ─▶ recheck ─▶ writing
                  └──▶ documents ─▶ search ─▶ quotes                (a model may plan, in `loop`)

`catalog` reads what a folder's tables and documents mean (`draft` where nobody wrote it down). `view` says
what one person may know. `capture` brings exactly that person's rows, typed and exact, into one file, because
a database is no boundary between tenants. `lexicon` knows the names and values that are the person's to say,
and `reading` refuses a question with a word on none of its lists. `planner` turns the rest into a `plan` of
names, which comes to one query. `gate` lets a query of allowed parts pass, `cell` runs it in a process that
can open no file and no socket, `recheck` computes every number a second way, and `writing` puts it into a
part of its own: words between the parts may hold no numeral of any script. `report` asks many questions and
numbers their sources, `charts` draws the cells of an answer, and `pages` writes both down.

What is not answered is refused with a reason: `no_data`, `not_permitted`, `not_in_hub` or `cannot_plan`.
"""
