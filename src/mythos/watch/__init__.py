"""Re-checking what a hub did: responses, leaks, drift, extraction, audits, incidents.

Nothing stands here yet. The predicates an auditor signs (`audit`, `incident`, `unopened`) have their final
form in `mythos.evidence`, so that a dossier of today can carry the audits of tomorrow.
"""
