"""What a directive's `models` reach: names bound by identity statements, digests, and all that was derived.

A model bears its digest and its names, and so do its parents. A refusal reaches a model along any line of
descent. An allow lifts that refusal only if it covers every line the refusal came by: a merge of a relieved
model with one that is still barred stays barred.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mythos.access.directive import ANY_MODEL
from mythos.access.people import read_object
from mythos.errors import AccessError, InputError
from mythos.units import Digest


@dataclass(frozen=True, slots=True)
class Model:
    """A model as decisions see it: what it is called, and the models it was derived from."""

    bears: frozenset[str]
    parents: tuple[Model, ...]
    ancestry: frozenset[str]
    """All that it and its ancestors bear."""

    @classmethod
    def of(cls, bears: Iterable[str], parents: tuple[Model, ...] = ()) -> Model:
        """A model with its parents."""
        own = frozenset(bears)
        return cls(own, parents, own.union(*(parent.ancestry for parent in parents)))

    @classmethod
    def named(cls, name: str) -> Model:
        """A model of which nothing but a name or a digest is known."""
        digest = name.lower().startswith("sha256:")  # in another spelling it would be nobody's, and free
        if not name or name == ANY_MODEL or name != name.strip() or (digest and not _is_digest(name)):
            raise AccessError(
                "that is not one model", expected="a name or sha256:<64 hex>", found=repr(name)[:120]
            )
        return cls.of((name,))

    def reached_by(self, models: frozenset[str]) -> bool:
        """`models` name this one or any ancestor: a directive about them is about this one too."""
        return ANY_MODEL in models or not models.isdisjoint(self.ancestry)

    def lifted(self, refused: frozenset[str], allowed: frozenset[str]) -> bool:
        """An allow about `allowed` covers this model along every line by which `refused` reaches it."""
        return _lifted(self, refused, allowed, {})


def _is_digest(text: str) -> bool:
    try:
        return bool(Digest.parse(text))
    except InputError:
        return False


def _lifted(model: Model, refused: frozenset[str], allowed: frozenset[str], seen: dict[int, bool]) -> bool:
    if id(model) not in seen:
        lines = [parent for parent in model.parents if parent.reached_by(refused)]
        seen[id(model)] = (
            ANY_MODEL in allowed
            or not allowed.isdisjoint(model.bears)
            or (bool(lines) and all(_lifted(parent, refused, allowed, seen) for parent in lines))
            or (not lines and model.reached_by(allowed))
        )
    return seen[id(model)]


@dataclass(frozen=True, slots=True)
class Lineage:
    """A fold over identity and derivation statements: which names a digest bears, what it came from."""

    names: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    parents: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    @classmethod
    def of(
        cls, identities: Iterable[tuple[str, str]], derivations: Iterable[tuple[str, Iterable[str]]]
    ) -> Lineage:
        """Fold (name, digest) pairs and (digest, parents' digests) pairs; several add up.

        Raises:
            AccessError: a model that is its own ancestor.
        """
        names: dict[str, frozenset[str]] = {}
        for name, digest in identities:
            names[digest] = names.get(digest, frozenset()) | {name}
        parents: dict[str, tuple[str, ...]] = {}
        for digest, above in derivations:
            parents[digest] = tuple(dict.fromkeys((*parents.get(digest, ()), *above)))
        lineage = cls(names, parents)
        for digest in parents:
            lineage.model(digest)
        return lineage

    def model(self, name: str) -> Model:
        """The model of a digest, or of a name that one digest bears.

        Raises:
            AccessError: a name that several digests bear (ask by digest), or a circle of parents.
        """
        bearers = [digest for digest, names in self.names.items() if name in names]
        if len(bearers) > 1:
            raise AccessError(
                f"several weights are called {name!r}",
                expected="the digest of one",
                found=", ".join(sorted(bearers))[:300],
                advice="Decide after routing, by the digest of the weights that will answer.",
            )
        if not bearers and name not in self.parents and name not in self.names:
            return Model.named(name)
        built: dict[str, Model | None] = {}
        return self._build(bearers[0] if bearers else name, built)

    def _build(self, digest: str, built: dict[str, Model | None]) -> Model:
        if digest in built:
            model = built[digest]
            if model is None:
                raise AccessError(
                    "a model is derived from itself", expected="a tree of parents", found=digest
                )
            return model
        built[digest] = None
        above = tuple(self._build(parent, built) for parent in self.parents.get(digest, ()))
        model = built[digest] = Model.of(self.names.get(digest, frozenset()) | {digest}, above)
        return model


def read_lineage(data: bytes, *, where: str = "lineage") -> Lineage:
    """Read `{"names": {NAME: DIGEST}, "parents": {DIGEST: [DIGEST]}}`; raises `AccessError`."""
    document = read_object(data, where=where)
    names, parents = document.get("names", {}), document.get("parents", {})
    try:
        digests = [*names.values(), *parents, *(above for found in parents.values() for above in found)]
        if document.keys() <= {"names", "parents"} and all(Digest.parse(digest) for digest in digests):
            return Lineage.of(names.items(), parents.items())
    except (InputError, AttributeError, TypeError) as error:
        raise AccessError(f"{where} is wrong", expected="digests", found=str(error)[:200]) from error
    raise AccessError(f"{where} is wrong", expected="names and parents", found=", ".join(document)[:200])
