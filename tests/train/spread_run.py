"""The small run under torchrun: spread_run.py FOLDER ddp|fsdp STEPS new|resume."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Literal, cast

from mythos.model import Tokenizer
from mythos.train import load_config, read_corpus, train

folder, how, steps, begin = sys.argv[1:]
config = load_config(Path(__file__).parent / "small.toml")
parallel = cast("Literal['ddp', 'fsdp']", how)
config = replace(config, run=replace(config.run, steps=int(steps), parallel=parallel))
whole = read_corpus("bundled")
corpus = replace(whole, documents=tuple(d for d in whole.documents if len(d.text) < 3000)[:30])
tokenizer = Tokenizer.train([document.text for document in corpus.documents], 300)
train(config, corpus, tokenizer, Path(folder), resume=begin == "resume")
