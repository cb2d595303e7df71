"""Every act has a class, a schema, a golden file, a bad file and a row in the reference; none is forgotten."""

import json

import jsonschema
import pytest

from mythos.errors import MalformedError
from mythos.evidence import predicates
from mythos.evidence.estate import ROLES
from mythos.evidence.predicates import PREDICATES, Seal, TrainingCompute
from mythos.evidence.statement import Envelope, Subject
from mythos.units import Digest

from . import golden, samples, schemas

NAMES = sorted(PREDICATES)


def test_every_exported_name_exists_and_every_class_is_exported():
    assert sorted(predicates.__all__) == sorted(set(predicates.__all__))
    for name in predicates.__all__:
        assert hasattr(predicates, name)
    assert {kind.__name__ for kind in PREDICATES.values()} <= set(predicates.__all__)


@pytest.mark.parametrize("name", NAMES)
def test_each_comes_back_from_its_json(name):
    sample = samples.SAMPLES[name]
    assert type(sample).from_dict(sample.to_dict()) == sample
    assert json.loads(json.dumps(sample.to_dict())) == sample.to_dict()


@pytest.mark.parametrize("name", NAMES)
def test_the_golden_file_is_what_this_release_writes(name):
    data = (golden.GOLDEN / f"{name}.v1.dsse").read_bytes()
    assert golden.golden_files()[f"{name}.v1.dsse"] == data
    assert PREDICATES[name].of(Envelope.parse(data).statement()) == samples.SAMPLES[name]


@pytest.mark.parametrize("name", NAMES)
def test_the_shipped_schema_is_the_codecs_and_takes_the_golden_file(name):
    shipped = json.loads(schemas.path(name).read_text())
    assert schemas.path(name).read_text() == schemas.text(PREDICATES[name])
    jsonschema.Draft202012Validator.check_schema(shipped)
    jsonschema.validate(samples.SAMPLES[name].to_dict(), shipped, jsonschema.Draft202012Validator)


@pytest.mark.parametrize("name", NAMES)
def test_the_bad_file_is_refused_by_the_class(name):
    document = json.loads((golden.BAD / f"{name}.json").read_text())
    with pytest.raises(MalformedError):
        PREDICATES[name].from_dict(document)


@pytest.mark.parametrize("name", NAMES)
def test_missing_and_unknown_fields_are_refused_at_every_level(name):
    kind, good = PREDICATES[name], samples.SAMPLES[name].to_dict()
    validator = jsonschema.Draft202012Validator(json.loads(schemas.path(name).read_text()))
    for field in good:
        for wrong in ({k: v for k, v in good.items() if k != field}, good | {"another": 1}):
            with pytest.raises(MalformedError, match="other fields"):
                kind.from_dict(wrong)
            assert not validator.is_valid(wrong)


def test_no_schema_golden_or_bad_file_is_left_over():
    assert {p.name.removesuffix(".v1.schema.json") for p in schemas.FOLDER.glob("*.json")} == set(NAMES)
    assert {p.stem.removesuffix(".v1") for p in golden.GOLDEN.glob("*.dsse")} == set(NAMES)
    assert {p.stem for p in golden.BAD.glob("*.json")} == set(NAMES) == set(golden.WRONG)


def test_every_act_may_be_signed_by_some_role():
    assert {act for _, acts in ROLES.values() for act in acts} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_table_of_statements_has_a_row_with_signers_and_fields(name):
    [row] = [line for line in predicates.table().splitlines() if line.startswith(f"| `{name}` |")]
    assert all(f"`{field}`" in row for field in samples.SAMPLES[name].to_dict())
    assert any(role in row for role, (_, acts) in ROLES.items() if name in acts)


def test_large_numbers_are_text_and_exact():
    compute = samples.SAMPLES["training-compute"]
    assert isinstance(compute, TrainingCompute)
    assert compute.to_dict()["modelFlop"] == "3100000000000000001"
    assert TrainingCompute.from_dict(compute.to_dict()).model_flop == 3100000000000000001


def test_a_predicate_is_read_only_from_its_own_act():
    statement = samples.SAMPLES["lease"].statement(Subject("w", Digest.of(b"w")))
    with pytest.raises(MalformedError, match="another act"):
        Seal.of(statement)


def test_an_error_names_the_place():
    wrong = samples.SAMPLES["grant"].to_dict()
    wrong["request"]["legs"][0]["from"] = 1
    with pytest.raises(
        MalformedError, match=r"Grant\.request\.legs\[0\]\.from is wrong; expected text; found 1"
    ):
        predicates.Grant.from_dict(wrong)
