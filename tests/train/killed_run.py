"""A run in a process of its own, to be killed: killed_run.py FOLDER new|resume."""

import sys
from dataclasses import replace
from pathlib import Path

from mythos.model import Tokenizer
from mythos.train import load_config, read_corpus, train

folder, how = Path(sys.argv[1]), sys.argv[2]
config = load_config(Path(__file__).parent / "small.toml")
config = replace(config, run=replace(config.run, steps=60, snapshot_every=5, evaluate_every=20))
whole = read_corpus("bundled")
corpus = replace(whole, documents=tuple(d for d in whole.documents if len(d.text) < 3000)[:30])
tokenizer = Tokenizer.train([document.text for document in corpus.documents], 300)
train(config, corpus, tokenizer, folder, resume=how == "resume")
