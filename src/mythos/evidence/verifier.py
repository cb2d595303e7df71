"""The regulator's verifier as one file: a reproducible archive of exactly the modules it needs.

Equal sources give equal bytes on every machine (stored, not compressed; fixed times and modes), so its digest
can stand in the trust root and anyone can build it again and compare.

    Path("mythos-verify.pyz").write_bytes(build())
"""

from __future__ import annotations

import io
import stat
import zipfile
from importlib.resources import files
from typing import Final

MODULES: Final = (
    "errors.py",
    "evidence/merkle.py",
    "evidence/note.py",
    "evidence/policy.py",
    "evidence/statement.py",
    "evidence/verify.py",
    "units.py",
)
"""What the verifier consists of, below `mythos/`; besides these it needs `cryptography` alone."""

_PACKAGE: Final = '"""A part of Mythos: the offline verifier."""\n'
_MAIN: Final = "from mythos.evidence.verify import main\n\nmain()\n"
_MIDNIGHT: Final = (1980, 1, 1, 0, 0, 0)


def build() -> bytes:
    """The bytes of mythos-verify.pyz; run it with any Python from 3.11 that has `cryptography`."""
    source = files("mythos")
    members = {f"mythos/{name}": source.joinpath(name).read_bytes() for name in MODULES}
    members |= {"mythos/__init__.py": _PACKAGE.encode(), "mythos/evidence/__init__.py": _PACKAGE.encode()}
    members["__main__.py"] = _MAIN.encode()
    archive = io.BytesIO(b"")
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, _MIDNIGHT)
            info.create_system = 3
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            file.writestr(info, members[name])
    return b"#!/usr/bin/env python3\n" + archive.getvalue()
