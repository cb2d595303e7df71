"""C2PA's and CAWG's training and data mining assertion, by the project's own reader (the extra `c2pa`).

Whether the signer is trusted plays no part: who declares a reservation under a certificate of their own has
declared it. Nothing is fetched: neither a manifest that is kept elsewhere nor the state of a certificate.
"""

from __future__ import annotations

import importlib
import io
import json
from collections.abc import Mapping
from typing import Any, Final

from mythos.data.rights import Reserved

LABELS: Final = ("c2pa.training-mining", "cawg.training-mining")
LARGEST: Final = 256 << 20
_OFFLINE: Final = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}
_KINDS: Final = (
    (b"\xff\xd8\xff", 0, "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", 0, "image/png"),
    (b"WEBP", 8, "image/webp"),
    (b"WAVE", 8, "audio/wav"),
    (b"GIF8", 0, "image/gif"),
    (b"II*\0", 0, "image/tiff"),
    (b"MM\0*", 0, "image/tiff"),
    (b"ftypavif", 4, "image/avif"),
    (b"ftypheic", 4, "image/heic"),
    (b"ftyp", 4, "video/mp4"),
    (b"ID3", 0, "audio/mpeg"),
    (b"%PDF-", 0, "application/pdf"),
)


def c2pa(data: bytes | None) -> Reserved | None:
    """Whether a file's manifests reserve training or mining; one without (or no file) reserves nothing.

    None: a kind of file that is not known, too large, a manifest that cannot be read or is kept elsewhere, or
    no reader here.
    """
    if data is None:
        return "none"
    kind = next((name for mark, at, name in _KINDS if data[at : at + len(mark)] == mark), None)
    if kind is None or len(data) > LARGEST:
        return None
    try:
        reader: Any = importlib.import_module("c2pa")
    except ImportError:
        return None
    try:
        context = reader.Context(reader.Settings.from_dict(_OFFLINE))
        with reader.Reader(kind, io.BytesIO(data), context=context) as held:
            return of_store(json.loads(held.json()))
    except reader.C2paError.ManifestNotFound:
        return "none"
    except (reader.C2paError, ValueError):
        return None


def of_store(store: Mapping[str, Any]) -> Reserved | None:
    """What a manifest store says: any entry of any manifest, an ingredient's too, that is not `allowed`."""
    try:
        entries = [
            entry
            for manifest in store["manifests"].values()
            for one in manifest.get("assertions", ())
            if str(one["label"]).split("__")[0] in LABELS
            for entry in one["data"]["entries"].values()
        ]
        told = {entry["use"] for entry in entries}
    except (KeyError, TypeError, AttributeError):
        return None
    return "reserved" if told - {"allowed"} else "none"
