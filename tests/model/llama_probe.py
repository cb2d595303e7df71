"""A process that asks llama.cpp, as the engine loads it, what it makes of a model and of texts.

    python llama_probe.py MODEL.gguf SOCKET < {"tokens": [ID], "from": N, "vocab": N, "a": ID, "texts": [STR]}

Prints {"logprobs": of each token from `from` on, "texts": [[prompt tokens, best next token, its logprob]],
"answer": STR} and leaves without unwinding the library's threads.
"""

import json
import os
import sys

os.environ.update({"GOMP_SPINCOUNT": "0", "OMP_WAIT_POLICY": "passive"})

from importlib import import_module
from typing import Any

xllamacpp: Any = import_module("xllamacpp")
asked = json.load(sys.stdin)
params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.hostnames = [sys.argv[2]]
params.api_keys = ["x" * 32]
params.verbosity = 0
params.ui = False
params.cpuparams.n_threads = 1
params.n_ctx = 256
params.n_parallel = 1
params.fit_params = False
params.warmup = False
server = xllamacpp.Server(params)


def following(prompt, count):
    # What is drawn is forced to be "a" (the library reports nothing for half a character); what is reported is
    # the model's own distribution, before the bias.
    body = {"prompt": prompt, "max_tokens": 1, "logprobs": count, "cache_prompt": False}
    answer = server.handle_completions(body | {"logit_bias": [[asked["a"], 1000.0]], "temperature": 0.0})
    entry = answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
    return answer["usage"]["prompt_tokens"], {item["id"]: item["logprob"] for item in entry}


tokens = asked["tokens"]
logprobs = [following(tokens[:at], asked["vocab"])[1][tokens[at]] for at in range(asked["from"], len(tokens))]
texts = []
for text in asked["texts"]:
    count, best = following(text, 1)
    texts.append([count, *best.popitem()])
chat = server.handle_chat_completions(
    {"messages": [{"role": "user", "content": "mod_ssl"}], "max_tokens": 8, "temperature": 0.0}
)
print(json.dumps({"logprobs": logprobs, "texts": texts, "answer": chat["choices"][0]["message"]["content"]}))
sys.stdout.flush()
os._exit(0)
