"""The same facts in the formats of others: OpenSSF Model Signing, CycloneDX ML-BOM, Croissant.

Views over acts, never a second record: what no act says is left out, and each value of ours that a format has
no place for stands in its properties with the act it comes from. `tests/dossier` checks each with the
standard's own schema or library.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from mythos import __version__
from mythos.dossier.acts import Act, load
from mythos.dossier.passport import Fact, Passport
from mythos.dossier.values import show
from mythos.errors import InputError
from mythos.evidence.note import encode64
from mythos.evidence.statement import PAYLOAD_TYPE, STATEMENT_TYPE, Json, canonical, pae
from mythos.files import private_folder, read_private, write_private
from mythos.units import Digest, exact

OMS_PREDICATE: Final = "https://model_signing/signature/v1.0"
_TOOL: Final = {"type": "application", "name": "mythos", "version": __version__}
BUNDLE: Final = "application/vnd.dev.sigstore.bundle.v0.3+json"


def oms_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """The owner's P-256 key at `path`, made on first use (mode 0600)."""
    if not path.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        private_folder(path.parent)
        write_private(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    found = load_pem_private_key(read_private(path), None)
    if not isinstance(found, ec.EllipticCurvePrivateKey):
        raise InputError(f"{path} holds another kind of key", expected="an EC key on P-256")
    return found


def public_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The public half, as `model_signing verify key --public-key` reads it."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def oms(passport: Passport, key: ec.EllipticCurvePrivateKey) -> Json:
    """An OMS 1.0 bundle of the model's manifest, signed by an ECDSA P-256 key (OMS takes no Ed25519).

    Raises:
        InputError: the log has no identity of these weights, or the key is on another curve.
    """
    if key.curve.name != "secp256r1":
        raise InputError("not a P-256 key", expected="secp256r1", found=key.curve.name)
    identity = _identity(passport)
    statement = {
        "_type": STATEMENT_TYPE,
        "predicateType": OMS_PREDICATE,
        "predicate": identity.predicate["manifest"],
        "subject": [{"name": identity.subjects[0].name, "digest": {"sha256": passport.weights.hex}}],
    }
    payload = canonical(statement)
    signature = key.sign(pae(PAYLOAD_TYPE, payload), ec.ECDSA(SHA256()))
    return {
        "mediaType": BUNDLE,
        "verificationMaterial": {
            "publicKey": {"hint": hashlib.sha256(public_pem(key)).hexdigest()},
            "tlogEntries": [],
        },
        "dsseEnvelope": {
            "payload": encode64(payload),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"sig": encode64(signature), "keyid": ""}],
        },
    }


def cyclonedx(passport: Passport) -> Json:
    """A CycloneDX 1.6 ML-BOM with one component, the model."""
    identity = _identity(passport)
    body = identity.predicate
    component = {
        "type": "machine-learning-model",
        "bom-ref": str(passport.weights),
        "name": passport.name,
        "version": passport.version,
        "hashes": [_hash(passport.weights.hex)],
        "supplier": {"name": ", ".join(identity.organisations)},
        "licenses": [{"license": {"name": body["licence"]}}] if body["licence"] else [],
        "externalReferences": [{"type": "distribution", "url": s["url"]}]
        if (s := body["source"]) and s["url"].startswith("https://")
        else [],
        "pedigree": {"ancestors": [_parent(parent) for parent in passport.parents]}
        if passport.parents
        else {},
        "modelCard": _card(passport, body["architecture"]),
        "properties": _properties(passport.facts),
    }
    bom: Json = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, str(passport.weights))}",
        "version": max(1, passport.size),
        "metadata": {"tools": {"components": [_TOOL]}},
        "components": [{name: value for name, value in component.items() if value not in ([], {}, "")}],
    }
    if passport.witnessed:
        bom["metadata"]["timestamp"] = str(passport.witnessed.at)
    return bom


def croissant(act: Act) -> Json:
    """A Croissant 1.0 description of an admitted dataset, as far as its act goes: no files, no fields."""
    body = act.predicate
    document: Json = {
        "@context": load("croissant.yaml"),
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": act.subjects[0].name,
        "identifier": str(act.subjects[0].digest),
        "description": (
            f"Admitted {show(body['admittedAt'])}; {show(body['documents'], 'number')} documents; "
            f"origin {body['origin']}; kept in {body['residency']}; act {act.index} of the log."
        ),
        "license": body["licence"],
    }
    if body["origin"].startswith(("https://", "http://")):
        document["url"] = body["origin"]
    return document


def _identity(passport: Passport) -> Act:
    acts = passport.of("model-identity")
    if not acts:
        raise InputError(
            "no identity of these weights stands in the log",
            found=str(passport.weights),
            advice="State one with `mythos model identify`.",
        )
    return acts[-1]


def _parent(weights: Digest) -> Json:
    return {"type": "machine-learning-model", "name": str(weights), "hashes": [_hash(weights.hex)]}


def _hash(digest: str) -> dict[str, str]:
    return {"alg": "SHA-256", "content": digest}


def _card(passport: Passport, architecture: str | None) -> Json:
    parameters: Json = {"modelArchitecture": architecture} if architecture else {}
    if datasets := passport.of("dataset-admitted"):
        parameters["datasets"] = [
            {"type": "dataset", "name": act.subjects[0].name, "description": f"{act.subjects[0].digest}"}
            for act in datasets
        ]
    card: Json = {"modelParameters": parameters} if parameters else {}
    if metrics := [
        {"type": f"{act.predicate['suite']}: {result['name']} ({result['unit']})", "value": result["value"]}
        for act in passport.of("evaluation")
        for result in act.predicate["results"]
    ]:
        card["quantitativeAnalysis"] = {"performanceMetrics": metrics}
    energy: list[Json] = [
        {"activity": "training", "energyProviders": [], "activityEnergyCost": cost}
        for act in passport.of("training-compute")
        if (cost := _kilowatt_hours(act.predicate["energyWattHours"]))
    ]
    if energy:
        card["considerations"] = {"environmentalConsiderations": {"energyConsumptions": energy}}
    return card


def _kilowatt_hours(watt_hours: str | None) -> Json:
    """The JSON number that the format wants; the exact decimal stands in the properties."""
    try:
        return {"value": float(exact(watt_hours or "")) / 1000, "unit": "kWh"}
    except InputError:
        return {}


def _properties(facts: Iterable[Fact]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for fact in facts:
        name = f"mythos:{fact.kind}:{fact.index}:{fact.field}"
        value: Any = fact.value
        found += [
            {"name": name, "value": value if isinstance(value, str) else show(value)},
            {"name": f"{name}:evidence", "value": fact.level},
        ]
    return found
