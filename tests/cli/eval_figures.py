# SPDX-License-Identifier: MIT
"""make DIR: verified trajectories of several kinds; want FILE K: the figures of score-eval for a
file of two attempts each, worked out by their definitions alone; tails: JSON lines [events, trials,
lo, hi] to the binomial tails there."""
import fractions
import json
import math
import random
import sys

F = fractions.Fraction


# ---- making ----

def turn(rng, answer, right, tokens, **more):
	verdict = {"status": "pass" if right else "fail"}
	if answer is not None:
		verdict["answer"] = str(answer)
	return {"response": f"it is {answer}", "tokens": [rng.randrange(9) for _ in range(tokens)],
		"reward": 1 if right else 0, "verdict": verdict, **more}


def attempt(rng, truth, skill, last=None, **more):
	"""A right answer, the last one again, or a guess, which now and then is none."""
	answer = truth if rng.random() < skill else rng.choice([truth + 1, truth + 2, None])
	if last is not None and rng.random() < 0.4:
		answer = last
	return turn(rng, answer, answer == truth, rng.randint(2, 9), **more), answer


def record(rng, problem, sample, group, turns, given=False):
	skill, out, answer = problem % 5 / 5 + 0.1, [], None
	for k in range(turns):
		more = {"given": True} if given and not k else {}
		one, answer = attempt(rng, problem, skill, answer, **more)
		out.append(one)
	return {"id": f"p{problem:02}", "task": "number", "sample": sample, "group": group,
		"says": rng.choice([True, False, None]), "turns": out}


def make(folder):
	rng = random.Random(7)
	write = lambda name, records: open(f"{folder}/{name}", "w", encoding="utf-8").write(
		"".join(json.dumps(r) + "\n" for r in records))
	many = [record(rng, p, s, 6, 2) for p in range(40) for s in range(6)]
	for r in many[::17]:
		r["turns"][rng.randrange(2)]["reward"] = None
	for r in many[-18:]:             # a task without answers
		r["task"] = "code"
		for t in r["turns"]:
			t["verdict"].pop("answer", None)
	write("many", many)
	write("other", [record(rng, p, s, 4, 2) for p in range(5, 60) for s in range(4)])
	write("once", [record(rng, p, 0, 1, 2) for p in range(60)])
	write("given", [record(rng, p, s, 4, 2, given=s % 2 == 0) for p in range(30) for s in range(4)])
	uneven = [record(rng, p, s, 3, 1 + (p + s) % 5) for p in range(20) for s in range(3)]
	write("uneven", uneven)
	for r in uneven:                 # what --carry makes of them, by hand
		while len(r["turns"]) < 5:
			r["turns"].append({**r["turns"][-1], "tokens": []})
	write("carried", uneven)


# ---- figures ----

def mean(v):
	v = [x for x in v if x is not None]
	return sum(v) / F(len(v)) if v else None


def answers(samples, turn):
	return [t["turns"][turn]["verdict"].get("answer") for t in samples]


def right(record, turn):
	return record["turns"][turn]["reward"] == 1


def spent(record, turn):
	return sum(len(t["tokens"]) for t in record["turns"][:turn + 1] if not t.get("given"))


def winner(samples, turn):
	said = answers(samples, turn)
	best = max((said.count(a) for a in said if a is not None), default=0)
	for r, a in zip(samples, said):
		if a is not None and said.count(a) == best:
			return right(r, turn)
	return False


def vote(samples, each, turn):
	groups = [samples[i:i + each] for i in range(0, len(samples) - each + 1, each)]
	return mean([F(winner(g, turn)) for g in groups])


def ratio(pairs):
	pairs = [p for p in pairs if None not in p]
	below = sum(d for _, d in pairs)
	return sum(n for n, _ in pairs) / below if below else None


def same(record):
	a, b = record["turns"]
	x, y = a["verdict"].get("answer"), b["verdict"].get("answer")
	return x == y if (x, y) != (None, None) else a["response"] == b["response"]


def share(samples, test):
	return F(sum(map(bool, map(test, samples))), len(samples))


def want(path, k):
	groups = {}
	for line in open(path, encoding="utf-8"):
		r = json.loads(line)
		groups.setdefault(r["id"], []).append(r)
	good = lambda r: all(t["reward"] is not None for t in r["turns"])
	all_of, valid = list(groups.values()), [[r for r in g if good(r)] for g in groups.values()]
	valid = [g for g in valid if g]
	out = {}
	def rate(name, hit, of):
		out[name] = ratio([(share(g, lambda r: of(r) and hit(r)), share(g, of)) for g in valid])
	wrong = lambda r: not right(r, 0)
	again = lambda r: same(r) and not right(r, 1)
	given = lambda r: bool(r["turns"][0].get("given"))
	rate("blind_spot", again, wrong)
	if len({given(r) for g in valid for r in g}) == 2:
		rate("blind_spot_own", again, lambda r: wrong(r) and not given(r))
		rate("blind_spot_given", again, lambda r: wrong(r) and given(r))
	said = lambda r: r["says"] is not None
	out["judged"] = mean([share(g, said) for g in valid])
	rate("judge_accuracy", lambda r: r["says"] == right(r, 0), said)
	rate("accepts_right", lambda r: r["says"], lambda r: said(r) and right(r, 0))
	rate("rejects_wrong", lambda r: r["says"] is False, lambda r: said(r) and wrong(r))
	votes = [g for g in valid if g[0]["task"] == "number"]
	for t in 0, 1:
		n = t + 1
		cost = lambda g: mean([F(spent(r, t)) for r in g])
		out[f"tokens_t{n}"] = mean([mean([F(len(r["turns"][t]["tokens"])
			if not r["turns"][t].get("given") else 0) for r in g]) for g in valid])
		out[f"tokens_per_solved_t{n}"] = ratio([(cost(g), share(g, lambda r: right(r, t)))
			for g in valid])
		whole = [g for g in all_of if all(map(good, g)) and g[0]["task"] == "number"]
		out[f"unique_t{n}"] = mean([F(len(set(answers(g, t)) - {None})) for g in whole])
		each = k // n
		out[f"vote_tokens_per_solved_t{n}"] = ratio([(each * cost(g), vote(g, each, t))
			for g in votes])
	first = mean([mean([F(spent(r, 0)) for r in g]) for g in votes])
	both = mean([mean([F(spent(r, 1)) for r in g]) for g in votes])
	size = k * first / both
	low = math.floor(size)
	def between(g):
		a, b = vote(g, low, 1), vote(g, low + 1, 1)
		return None if a is None or b is None else a * (low + 1 - size) + b * (size - low)
	out["token_vote_size_t2"] = size
	out["token_vote_t2"] = mean(map(between, votes))
	gain = [(between(g), vote(g, k, 0)) for g in votes]
	out["token_vote_delta"] = mean([a - b for a, b in gain if None not in (a, b)])
	print(json.dumps({key: None if v is None else float(v) for key, v in out.items()}))


def tail(k, n, p):
	"""P(at least k of n)."""
	return sum(math.comb(n, i) * p ** i * (1 - p) ** (n - i) for i in range(k, n + 1))


def tails():
	for line in sys.stdin:
		k, n, lo, hi = json.loads(line)
		print(f"{tail(k, n, lo):.6f} {1 - tail(k + 1, n, hi):.6f}")


if sys.argv[1] == "make":
	make(sys.argv[2])
elif sys.argv[1] == "tails":
	tails()
else:
	want(sys.argv[2], int(sys.argv[3]))
