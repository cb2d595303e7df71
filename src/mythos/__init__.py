"""Mythos: put your model to work in another country without losing it.

A quorum opens the weights, dated law decides who may use them, and every step leaves a proof that anyone
can check offline. Every act is a signed statement (in-toto in DSSE) in one append-only log (C2SP
tlog-tiles); a model's passport is a fold over that log, and its dossier is the passport with the proofs.

The rooms, from the ground up; each may import only from those before it:

    errors, units, files, strict_yaml   the exception tree, quantities, durable files, guarded YAML
    evidence                            Merkle tree, notes, statements, log, witnesses, verifier
    regimes                             law as dated data, and the evaluator
    weights                             what a model is: its OMS manifest and root digest
    compute, data, model                what it cost, what went in, how it is built
    access, dossier                     who may use it; the passport and the dossier
    custody, train                      seal, approvals, grant, release, lease; training loops
    engines                             the confined process that alone holds plain weights
    synthesis                           answers over a tenant's tables where every number is bound
    hub                                 the OpenAI-compatible front
    watch, services, console, cli       re-checking, thin servers, pages, commands

Two commands tell the whole story: `mythos up` and `mythos verify dossier.json`.
"""

__version__ = "0.1.0"
