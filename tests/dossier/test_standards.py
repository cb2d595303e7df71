"""Each view is checked with its standard's own schema or library, never with our reading of it alone."""

import importlib.util
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from model_signing import verifying
from referencing import Registry, Resource
from tests.dossier.conftest import Story, digest

from mythos.dossier.passport import Passport
from mythos.dossier.standards import croissant, cyclonedx, oms, oms_key, public_pem
from mythos.errors import HomeError, InputError
from mythos.evidence.note import decode64
from mythos.evidence.statement import Subject
from mythos.weights.manifest import identify

Make = Callable[..., Passport]


def needs(module: str, package: str) -> pytest.MarkDecorator:
    missing = importlib.util.find_spec(module) is None
    return pytest.mark.skipif(missing, reason=f"extra missing: pip install {package}")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    (folder / "sub").mkdir(parents=True)
    (folder / "weights.bin").write_bytes(b"\x00\x01" * 1000)
    (folder / "sub" / "config.json").write_text("{}")
    return folder


@pytest.fixture
def signed(model: Path, tmp_path: Path, story: Story, passport: Make) -> tuple[Path, Path]:
    manifest = identify(model)
    story.trust()
    identity = Story()
    identity.trust()
    identity.identity()
    body = passport(identity).of("model-identity")[0].predicate | {"manifest": manifest.to_predicate()}
    story.add("model-identity", "owner", body, Subject("model", manifest.root))
    private = oms_key(tmp_path / "keys" / "oms.pem")
    (tmp_path / "model.sig").write_text(json.dumps(oms(passport(story, manifest.root), private)))
    (tmp_path / "key.pem").write_bytes(public_pem(private))
    return tmp_path / "model.sig", tmp_path / "key.pem"


def test_the_reference_library_verifies_our_oms_bundle(model: Path, signed: tuple[Path, Path]) -> None:
    signature, public = signed
    verifier = verifying.Config().use_elliptic_key_verifier(public_key=public)
    verifier.verify(model, signature)
    (model / "weights.bin").write_bytes(b"\x00\x01" * 999 + b"\x00\x02")
    with pytest.raises(ValueError, match="mismatch"):
        verifier.verify(model, signature)


def test_our_oms_bundle_fits_the_published_schemas(signed: tuple[Path, Path], shared: Path) -> None:
    folder = shared / "vectors" / "model-signing" / "schemas" / "v1.0"
    schemas = {p.name.split(".")[0]: json.loads(p.read_text()) for p in folder.glob("*.schema.json")}
    registry = Registry().with_resources([(s["$id"], Resource.from_contents(s)) for s in schemas.values()])
    bundle = json.loads(signed[0].read_text())
    jsonschema.Draft202012Validator(schemas["bundle"], registry=registry).validate(bundle)
    statement = json.loads(decode64(bundle["dsseEnvelope"]["payload"]))
    jsonschema.Draft202012Validator(schemas["statement"], registry=registry).validate(statement)


def test_the_oms_key_is_kept_private_and_used_again(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "oms.pem"
    first = public_pem(oms_key(path))
    assert public_pem(oms_key(path)) == first
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(HomeError):
        oms_key(path)


def test_oms_takes_no_other_curve_and_no_model_without_identity(story: Story, passport: Make) -> None:
    story.trust()
    story.compute()
    with pytest.raises(InputError, match="P-256"):
        oms(passport(story), ec.generate_private_key(ec.SECP384R1()))
    with pytest.raises(InputError, match="no identity"):
        oms(passport(story), ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(InputError, match="no identity"):
        cyclonedx(passport(story))


@pytest.fixture
def bom(story: Story, passport: Make) -> dict[str, Any]:
    story.everything()
    story.compute(method="counted", energyWattHours="1834500", energyMethod="RAPL")
    story.derivation(passport(story).weights, digest("parent"), name="m")
    return cyclonedx(passport(story))


@needs("cyclonedx", "cyclonedx-python-lib[json-validation]")
@pytest.mark.parametrize("version", ["1.6", "1.7"])
def test_the_ml_bom_fits_cyclonedx(version: str, bom: dict[str, Any]) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    validator = JsonStrictValidator(SchemaVersion.from_version(version))
    told = bom | {"specVersion": version, "$schema": f"http://cyclonedx.org/schema/bom-{version}.schema.json"}
    assert validator.validate_str(json.dumps(told)) is None
    assert validator.validate_str(json.dumps(told | {"unheard": 1})) is not None


def test_the_ml_bom_says_what_the_acts_say(bom: dict[str, Any]) -> None:
    (model,) = bom["components"]
    assert model["hashes"] == [{"alg": "SHA-256", "content": model["bom-ref"].removeprefix("sha256:")}]
    assert model["licenses"] == [{"license": {"name": "Apache-2.0"}}]
    assert model["pedigree"]["ancestors"][0]["name"] == str(digest("parent"))
    energy = model["modelCard"]["considerations"]["environmentalConsiderations"]["energyConsumptions"]
    assert [e["activityEnergyCost"]["value"] for e in energy] == [1834.5]
    assert model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"] == [
        {"type": "ARC easy: accuracy (share)", "value": "0.312"}
    ]
    told = {p["name"]: p["value"] for p in model["properties"]}
    assert told["mythos:training-compute:2:modelFlop"] == "1614180096000000000000"
    assert told["mythos:training-compute:2:modelFlop:evidence"] == "declared"


def test_an_empty_value_is_left_out_of_the_ml_bom(story: Story, passport: Make) -> None:
    story.trust()
    story.identity(licence=None, source=None, architecture=None)
    (model,) = cyclonedx(passport(story))["components"]
    assert not {"licenses", "externalReferences", "pedigree", "modelCard"} & set(model)


@needs("mlcroissant", "mlcroissant")
@pytest.mark.filterwarnings("ignore")  # that library's own
def test_mlcroissant_reads_our_dataset(story: Story, passport: Make, tmp_path: Path) -> None:
    import mlcroissant

    story.everything()
    (act,) = passport(story).of("dataset-admitted")
    path = tmp_path / "croissant.json"
    path.write_text(json.dumps(croissant(act)))
    read = mlcroissant.Dataset(jsonld=str(path)).metadata
    assert read.name == "FineWeb sample"
    assert not read.ctx.issues.errors


def test_a_croissant_names_its_act(story: Story, passport: Make) -> None:
    story.everything()
    (act,) = passport(story).of("dataset-admitted")
    found = croissant(act)
    assert found["identifier"] == str(act.subjects[0].digest)
    assert f"act {act.index} of the log" in found["description"]
    assert found["url"] == "https://commoncrawl.org"
    assert "url" not in croissant(replace(act, predicate=act.predicate | {"origin": "hospital archive"}))
