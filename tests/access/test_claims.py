"""Claims mappings and an administrator's table: what is not said is unknown, and one wrong cell imports nothing."""

import json
from pathlib import Path

import pytest

from mythos.access.claims import ClaimsMapping, read_csv
from mythos.access.people import Facts
from mythos.errors import AccessError

from .made import at

BAD = Path(__file__).parents[1] / "bad" / "access" / "table"
EXPECTED = json.loads((BAD / "expected.json").read_text())
NOW = at("2026-06-12T00:00:00Z")


def mapping(**more):
    paths = {
        "citizenships": "verified_claims.claims.nationalities",
        "permanent_residencies": "residencies",
        "protected_in": "protected",
        "entity": "employer",
        "located_in": "country",
        "verified_at": "verified_claims.verification.time",
        "assurance": "acr",
    }
    return ClaimsMapping.of({"paths": paths, "entities": {"Acme K.K.": "acme"}, "days": 30} | more)


def found_in(said, **more):
    found = mapping(**more).apply(said)
    assert found is not None
    return found


def claims(nationalities=None, **more):
    verified = {"claims": {"nationalities": nationalities}, "verification": {"time": "2026-06-01T00:00:00Z"}}
    return {"verified_claims": verified, **more}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (["JP"], ("JP",)),
        ("JP", ("JP",)),
        (["JP", "US"], ("JP", "US")),
        (["XXA"], ()),
        (["XXA", "JP"], ("JP",)),
        (["PR"], ("US",)),
        ([], None),
        (None, None),
        (["XXB"], None),
        (["XXX"], None),
        (["JPN"], None),
        (["jp"], None),
        (["JP", "UK"], None),
        (["JP", 7], None),
        ({"JP": True}, None),
        (7, None),
    ],
)
def test_what_nationalities_mean(said, expected):
    found = found_in(claims(said, country="JP"))
    assert found.facts.citizenships == expected


def test_every_path():
    found = found_in(
        claims(["AS"], residencies=["US"], protected=["DE"], employer="Acme K.K.", country="JP", acr="high")
        | {
            "verified_claims": {
                "claims": {"nationalities": ["AS"]},
                "verification": {"time": "2026-01-01T00:00:00Z"},
            }
        }
    )
    assert found.facts == Facts(("AS",), ("US",), ("DE", "US"), "acme", "JP")
    assert (found.verified_at, found.assurance) == (at("2026-01-01T00:00:00Z"), "high")


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"employer": "Unknown Inc."},
        {"country": "Japan"},
        claims(["JPN"]),
        {"verified_claims": ["JP"]},
        {"verified_claims": "JP"},
    ],
)
def test_a_mapping_that_yields_nothing_yields_nothing(said):
    assert mapping().apply(said) is None


def test_an_empty_list_means_none_only_where_the_issuer_says_so():
    assert found_in(claims([], country="JP")).facts.citizenships is None
    assert found_in(claims([], country="JP"), empty_is_none=True).facts.citizenships == ()


def test_only_accepted_assurance_counts():
    strict = mapping(assurances=["high"])
    assert strict.apply(claims(["JP"], acr="high")) is not None
    for acr in ("low", None, ["high"], {"high": True}):
        assert strict.apply(claims(["JP"], acr=acr)) is None


@pytest.mark.parametrize("time", [None, "2012-04-23T18:25Z", 1335205500, ["2012-04-23T18:25:00Z"], False])
def test_a_time_of_verification_that_is_none_makes_the_claims_worthless(time):
    said = claims(["JP"])
    said["verified_claims"]["verification"] = {"time": time}
    assert mapping().apply(said) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"paths": {}},
        {"paths": {"assurance": "acr"}},
        {"paths": {"birthplace": "x", "citizenships": "y"}},
        {"paths": []},
        {"paths": None},
        {"paths": {"citizenships": 5}},
        {"paths": {"citizenships": ""}},
        {"entities": ["acme"]},
        {"entities": {"Acme K.K.": ["acme"]}},
        {"assurances": "high"},
        {"assurances": [["high"]]},
        {"empty_is_none": "false"},
        {"days": "30"},
        {"days": None},
        {"days": True},
        {"days": float("nan")},
        {"days": 0},
        {"days": 99_999},
        {"trust_everything": True},
    ],
)
def test_a_wrong_mapping_is_refused(wrong):
    with pytest.raises(AccessError, match="claims mapping is wrong"):
        mapping(**wrong)


def table(text, days=30.0):
    return read_csv(text.encode(), tenant="acme", now=NOW, days=days)


def test_a_table_of_people():
    [alice, bob] = table(
        "id,citizenships,permanent_residencies,protected_in,entity,located_in,verified_until\r\n"
        "alice,JP US,none,,acme,JP,2026-06-20T00:00:00Z\r\n"
        '"bob, b",PR,,none,none,,\r\n'
    )
    assert alice.id == "acme/alice"
    assert alice.facts == Facts(("JP", "US"), (), None, "acme", "JP")
    assert alice.verified_until == at("2026-06-20T00:00:00Z")
    assert bob.id == "acme/bob, b"
    assert bob.facts == Facts(("US",), None, (), "none", None)
    assert bob.verified_until == at("2026-07-12T00:00:00Z")


@pytest.mark.parametrize("days", [0, -1, 99_999, float("nan"), float("inf"), 1e300])
def test_an_attestation_is_believed_for_a_while(days):
    with pytest.raises(AccessError, match="believed for a while"):
        table("id\na\n", days=days)


@pytest.mark.parametrize("tenant", ["", "acme/tokyo"])
def test_nobody_names_a_person_of_another_tenant(tenant):
    with pytest.raises(AccessError, match="not a tenant's name"):
        read_csv(b"id\na\n", tenant=tenant, now=NOW, days=1)


def test_an_attestation_is_never_believed_longer_than_allowed():
    [one] = table("id,verified_until\na,2099-01-01T00:00:00Z\n", days=10)
    assert one.verified_until == at("2026-06-22T00:00:00Z")


def test_columns_may_be_few_and_in_any_order_and_a_bom_is_fine():
    [one] = table("\ufeffcitizenships,id\nJP,a\n\n")
    assert (one.id, one.facts.citizenships, one.facts.entity) == ("acme/a", ("JP",), None)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_wrong_tables_import_nothing(name):
    with pytest.raises(AccessError, match=EXPECTED[name]):
        read_csv((BAD / f"{name}.csv").read_bytes(), tenant="acme", now=NOW, days=30)


def test_a_table_that_is_not_text_or_too_large(monkeypatch):
    with pytest.raises(AccessError, match="not a CSV"):
        read_csv(b"id\n\xff\n", tenant="acme", now=NOW, days=30)
    monkeypatch.setattr("mythos.access.claims._CSV_LIMIT", 10)
    with pytest.raises(AccessError, match="too large"):
        table("id,citizenships\na,US\n")
