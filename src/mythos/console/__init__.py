"""The web pages over the rooms' views.

Nothing stands here yet. The room is placed in the import order (above `services`, below `cli`), so that
pages can read every room's views and no room can come to depend on a page.
"""
