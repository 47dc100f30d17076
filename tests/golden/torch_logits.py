#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes tests/golden/torch/NAME.logits: what PyTorch in float32 thinks of text that it sampled
itself.

usage: torch_logits.py MODEL.gguf OUT      (PyPI: torch transformers gguf)

The file's weights are dequantised, rounded to bf16 (as the store holds them) and run in float32.
Five prompts, 100 tokens drawn after each. One line a sequence, numbers separated by blanks:
    prompt-length n  token[0..n)  top1[0..100)  logp[0..100)
where top1 and logp belong to the 100 drawn tokens: the likeliest token at that place, and the drawn
one's log-probability. First line: versions.
"""
import os, sys
import torch, transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

prompts = [
    "The lighthouse keeper wrote in his diary that the storm",
    "def count_vowels(text):\n    \"\"\"Return how many vowels there are in text.\"\"\"\n",
    "Question: a box holds 12 pencils. How many pencils are in 7 boxes?\nAnswer:",
    "Zutaten: 200 g Mehl, 3 Eier, 100 ml Milch.\nZubereitung:",
    "List of the planets and one fact about each:\n1. Mercury",
]
folder, name = os.path.split(os.path.abspath(sys.argv[1]))
tok = AutoTokenizer.from_pretrained(folder, gguf_file=name)
model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32).eval()
with torch.no_grad():
    for p in model.parameters():
        p.copy_(p.bfloat16().float())
torch.manual_seed(11)
with open(sys.argv[2], "w") as f, torch.inference_mode():
    f.write(f"# torch {torch.__version__} transformers {transformers.__version__} {name}\n")
    for text in prompts:
        ids = tok(text)["input_ids"]
        start = len(ids)
        past, feed = None, ids
        for _ in range(100):
            out = model(torch.tensor([feed]), past_key_values=past, use_cache=True)
            past = out.past_key_values
            feed = [int(torch.multinomial(torch.softmax(out.logits[0, -1], -1), 1))]
            ids = ids + feed
        logp = torch.log_softmax(model(torch.tensor([ids])).logits[0, start - 1:-1].float(), -1)
        drawn = logp.gather(1, torch.tensor(ids[start:])[:, None])[:, 0]
        f.write(" ".join([str(start), str(len(ids))] + [str(i) for i in ids]
                         + [str(int(i)) for i in logp.argmax(-1)]
                         + [f"{x:.5f}" for x in drawn.tolist()]) + "\n")
        print(repr(tok.decode(ids))[:200])
