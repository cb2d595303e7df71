"""The OMS manifest agrees with the specification's vectors and with the reference implementation."""

import base64
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_signing import hashing

from mythos.errors import FormatError, WeightsError
from mythos.units import Digest
from mythos.weights import Manifest, Resource, check_names, identify

VECTORS = Path(__file__).parents[2].parent / "shared" / "vectors" / "model-signing"


def reference(path: Path) -> tuple[str, list[tuple[str, str]]]:
    found = hashing.Config().hash(path)
    pairs = [(d.identifier, d.digest.digest_hex) for d in found.resource_descriptors()]
    return str(Digest.of(b"".join(bytes.fromhex(digest) for _, digest in pairs))), pairs


def folder(tmp_path: Path, files: dict[str, bytes]) -> Path:
    model = tmp_path / "model"
    for name, data in files.items():
        (model / name).parent.mkdir(parents=True, exist_ok=True)
        (model / name).write_bytes(data)
    return model


def test_agrees_with_the_reference_on_a_folder(tmp_path: Path) -> None:
    model = folder(
        tmp_path,
        {
            "a.txt": b"sorted after a/b by component, before it by byte",
            "a/b": b"1",
            "a-b": b"2",
            "config.json": b"",
            ".gitattributes": b"left out",
            ".git/HEAD": b"left out",
            "sub/.gitignore": b"kept: only the top folder's git files are left out",
            "日本語.txt": b"3",
        },
    )
    root, pairs = reference(model)
    mine = identify(model)
    assert str(mine.root) == root
    assert [(r.name, r.digest.hex) for r in mine.resources] == pairs
    assert mine.resources[0].name == "a/b"
    assert mine.size == sum(len(p.read_bytes()) for p in model.rglob("*") if p.is_file()) - 16


def test_a_file_and_a_folder_with_only_it_have_one_root(tmp_path: Path) -> None:
    model = folder(tmp_path, {"weights.gguf": os.urandom(9 << 20)})
    single = identify(model / "weights.gguf")
    assert single.root == identify(model).root
    assert str(single.root) == reference(model / "weights.gguf")[0]
    assert single.resources[0].name == "weights.gguf"


def test_progress_ends_at_the_whole(tmp_path: Path) -> None:
    model = folder(tmp_path, {"a": bytes(5 << 20), "b": b"x"})
    seen: list[tuple[int, int]] = []
    identify(model, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == ((5 << 20) + 1, (5 << 20) + 1)
    assert seen == sorted(seen)


@pytest.mark.parametrize("name", ["certificate", "key", "sigstore"])
def test_reads_the_specification_vectors(name: str) -> None:
    if not VECTORS.is_dir():
        pytest.skip(f"shared folder missing: {VECTORS}")
    bundle = json.loads((VECTORS / f"test-vectors/v1.0/valid/{name}.bundle.json").read_text())
    statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    subject = statement["subject"][0]
    root = Digest.parse("sha256:" + subject["digest"]["sha256"])
    manifest = Manifest.from_predicate(subject["name"], statement["predicate"], root=root)
    assert manifest.root == root
    other = Digest(bytes(32))
    with pytest.raises(WeightsError, match="inconsistent"):
        Manifest.from_predicate(subject["name"], statement["predicate"], root=other)


def test_predicate_follows_the_specification_schema(tmp_path: Path) -> None:
    if not VECTORS.is_dir():
        pytest.skip(f"shared folder missing: {VECTORS}")
    import jsonschema

    schema = json.loads((VECTORS / "schemas/v1.0/predicate.schema.json").read_text())
    manifest = identify(folder(tmp_path, {"a": b"1", "b/c": b"2"}))
    jsonschema.validate(manifest.to_predicate(), schema)
    again = Manifest.from_predicate(manifest.name, manifest.to_predicate(), root=manifest.root)
    assert again.to_predicate() == manifest.to_predicate()


@pytest.mark.parametrize(
    "names",
    [
        ["/etc/passwd"],
        ["../up"],
        ["a/../b"],
        ["a//b"],
        ["./a"],
        [""],
        ["a\\b"],
        ["a\nb"],
        ["a\x00"],
        ["Weights", "weights"],
        ["stra\u00dfe", "STRASSE"],
        ["e\u0301"],
        ["x" * 1025],
        ["\udcff"],
        ["same", "same"],
    ],
)
def test_refuses_names_that_mean_two_things(names: list[str]) -> None:
    with pytest.raises(FormatError):
        check_names(names)


def test_refuses_what_is_not_a_plain_file(tmp_path: Path) -> None:
    model = folder(tmp_path, {"a": b"1"})
    (model / "link").symlink_to(model / "a")
    with pytest.raises(WeightsError, match="neither a plain file"):
        identify(model)
    (model / "link").unlink()
    os.mkfifo(model / "pipe")
    with pytest.raises(WeightsError, match="neither a plain file"):
        identify(model)
    (model / "pipe").unlink()
    (tmp_path / "alias").symlink_to(model)
    with pytest.raises(WeightsError, match="symlink"):
        identify(tmp_path / "alias")
    with pytest.raises(WeightsError, match="found nothing"):
        identify(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(WeightsError, match="without files"):
        identify(tmp_path / "empty")


def test_refuses_twins_on_disk(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="cannot tell apart"):
        identify(folder(tmp_path, {"Config.json": b"1", "config.json": b"2"}))


def test_refuses_a_file_that_grows_while_read(tmp_path: Path) -> None:
    model = folder(tmp_path, {"a": bytes(9 << 20)})

    def grow(done: int, total: int) -> None:
        with open(model / "a", "ab") as file:
            file.write(b"x")

    with pytest.raises(WeightsError, match="changed while"):
        identify(model, progress=grow)


def test_refuses_manifests_out_of_order_or_of_another_kind() -> None:
    a, b = Resource("a", Digest(bytes(32))), Resource("b", Digest(bytes(32)))
    with pytest.raises(FormatError, match="out of order"):
        Manifest("m", (b, a))
    good = Manifest("m", (a, b)).to_predicate()
    for change in ({"method": "shards"}, {"hash_type": "blake3"}, {"allow_symlinks": True}):
        bad = {**good, "serialization": {**good["serialization"], **change}}
        with pytest.raises(FormatError):
            Manifest.from_predicate("m", bad)
    for bad in ([], {}, {"resources": []}, {**good, "resources": [{"name": "a"}]}, {**good, "resources": 7}):
        with pytest.raises(FormatError):
            Manifest.from_predicate("m", bad)


@given(st.lists(st.tuples(st.from_regex(r"[a-c.\-]{1,3}(/[a-c.\-]{1,3}){0,2}", fullmatch=True), st.binary())))
def test_any_accepted_manifest_round_trips(files: list[tuple[str, bytes]]) -> None:
    resources = sorted(
        (Resource(name, Digest.of(data)) for name, data in dict(files).items()),
        key=lambda r: r.name.split("/"),
    )
    try:
        manifest = Manifest("m", tuple(resources))
    except (FormatError, WeightsError):
        return
    parsed = Manifest.from_predicate("m", json.loads(json.dumps(manifest.to_predicate())))
    assert parsed == manifest
