"""Evidence made readable: what one log says about one model, for a lawyer and for a verifier.

A *passport* is a fold over the log's acts about one weights digest: what is known, how well it is known, by
which act, where the weights are readable until when, and what is missing. Nobody writes one. A *dossier* is
the passport with its proof: `dossier.json` is the whole log with its witnessed checkpoint, and `dossier.html`
a page that a reader can make again from that file with a policy of their own.

    capture = Capture.of_log(LogClient("unix:/run/mythos/log.sock"), documents, wait=10)
    dossier = build(policy, capture, find(capture.entries, "SmolLM2-135M-Instruct"), Instant.now())
    dossier.passport.clear_until               # "not revoked" up to here, and no further
    render(dossier, audience="authority")      # the page

How it is made, from the ground up: `acts` takes each entry as the verifier judged it and keeps what is not
trusted beside its reason; `reach` follows each grant until its weights are provably gone; `passport` folds;
`forms` fills what laws ask for from the acts alone; `verdicts` answers the six questions asked first; `page`,
`routes` and `terminal` show; `standards` gives the same facts to OMS, CycloneDX and Croissant.

Law, sentences and titles are data: `forms/*.yaml`, `words.yaml`, `acts.yaml`, each in English and Japanese.
"""

from mythos.dossier.build import Capture, Dossier, build, find
from mythos.dossier.forms import AUDIENCES
from mythos.dossier.page import render
from mythos.dossier.passport import Passport, fold

__all__ = ["AUDIENCES", "Capture", "Dossier", "Passport", "build", "find", "fold", "render"]
