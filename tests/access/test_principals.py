"""Everyone in the chain must be allowed; places are what the request shows; keys are kept as hashes."""

import pytest

from mythos.access.decide import Decider
from mythos.access.directives import Directives
from mythos.access.lineage import Lineage
from mythos.access.people import Entities
from mythos.access.principals import Binding, decide_chain, key_digest
from mythos.errors import AccessError

from .made import T0, at, directive, someone

NOW = at(T0)
US, JP = {"citizenships": ["US"]}, {"citizenships": ["JP"]}
LAW = directive(who={"foreign_person_of": "US"})


def ask(binding, people, law=LAW, place: str | None = "JP"):
    decider = Decider(Directives.of([law]), Entities.of([]), Lineage())
    known = {person.id: person for person in people}
    return decide_chain(decider, binding.chain, known, "m", "access", NOW, NOW, located_in=place)


def person_key(name="alice"):
    return Binding(key_digest("secret"), name, "acme")


def test_a_person_and_the_tenant():
    assert ask(person_key(), [someone("alice", **US), someone("acme", **US)]).decision.allowed
    refused = ask(person_key(), [someone("alice", **US), someone("acme", **JP)])
    assert (refused.role, refused.principal, refused.decision.reason) == ("tenant", "acme", "refused")
    refused = ask(person_key(), [someone("alice", **JP), someone("acme", **US)])
    assert (refused.role, refused.principal) == ("person", "alice")


@pytest.mark.parametrize("foreign", ["bot", "alice", "acme"])
def test_a_service_account_the_person_who_answers_for_it_and_the_tenant(foreign):
    binding = Binding(key_digest("secret"), "bot", "acme", service_account=True, accountable="alice")
    people = [someone(name, **(JP if name == foreign else US)) for name in ("bot", "alice", "acme")]
    answer = ask(binding, people)
    assert answer.principal == foreign
    assert answer.decision.reason == "refused"


def test_someone_nobody_knows_is_someone_of_whom_nothing_is_known():
    answer = ask(person_key("nobody"), [someone("acme", **US)])
    assert (answer.principal, answer.decision.needs) == ("nobody", ("verified_until",))


def test_the_place_is_what_the_request_shows_and_never_a_claim():
    law = directive(who={"located_in": ["CN"]})
    people = [someone("alice", located_in="US"), someone("acme", located_in="US")]
    assert ask(person_key(), people, law, place="CN").decision.reason == "refused"
    assert ask(person_key(), people, law, place="JP").decision.allowed
    assert ask(person_key(), people, law, place=None).decision.needs == ("located_in",)


@pytest.mark.parametrize(("service", "accountable"), [(True, None), (False, "alice")])
def test_a_service_account_has_a_person_and_a_person_has_none(service, accountable):
    with pytest.raises(AccessError, match="answers for it"):
        Binding(key_digest("k"), "x", "acme", service_account=service, accountable=accountable)


def test_nobody_is_not_a_chain():
    decider = Decider(Directives.of([]), Entities.of([]), Lineage())
    with pytest.raises(AccessError, match="nobody stands behind"):
        decide_chain(decider, (), {}, "m", "access", NOW, NOW, located_in=None)


def test_of_a_key_only_its_hash_is_kept():
    assert key_digest("a") == key_digest("a") != key_digest("b")
    assert "secret" not in repr(person_key())
