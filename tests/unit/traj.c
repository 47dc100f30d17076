/* SPDX-License-Identifier: MIT */
/* Records: what is read, and the message for every way to be wrong. */
#include <stdlib.h>
#include <string.h>

#include "traj/traj.h"
#include "tap.h"

/* ' stands for " in the tables below. */
static int parse(const char *text, unsigned need, struct traj *t, struct err *e)
{
	char *json = xstrdup(text);
	struct js rec;
	int rc;

	for (char *p = json; *p; p++)
		if (*p == '\'')
			*p = '"';
	rc = js_parse(json, strlen(json), &rec, e);
	free(json);
	*t = (struct traj){0};
	return rc ? rc : traj_parse(rec, need, t, e);
}

#define TURN(fields) "{'turns':[{'response':'x'},{'response':'y'," fields "}]}"

static const struct {
	const char *text;
	unsigned need;
	const char *message;         /* NULL: good */
} cases[] = {
	{"{}", 0, NULL},
	{"{'more':{'id':3}}", 0, NULL},
	{"{}", TRAJ_ID, ".id: missing"},
	{"{'id':3}", 0, ".id: expected string, got number"},
	{"{'id':''}", 0, ".id: expected a string that is not empty and holds no NUL"},
	{"{'id':'a\\u0000b'}", 0, ".id: expected a string that is not empty and holds no NUL"},
	{"{'id':'a','task':'code\\u0000'}", 0, ".task: holds a NUL character"},
	{"{'id':'a','entry_point':'f\\u0000g'}", 0, ".entry_point: holds a NUL character"},
	{"{'id':null}", 0, ".id: expected string, got null"},
	{"{'task':'sum'}", 0, ".task: expected exact, number, math or code, got \"sum\""},
	{"{'task':1}", 0, ".task: expected string, got number"},
	{"{'prompt':[]}", 0, ".prompt: expected string, got array"},
	{"{'answer':true}", 0, ".answer: expected string or number, got true"},
	{"{'test_list':'x'}", 0, ".test_list: expected array, got string"},
	{"{'test_list':['x',1]}", 0, ".test_list[1]: expected string, got number"},
	{"{'test_setup_code':1}", 0, ".test_setup_code: expected string, got number"},
	{"{'tests':1}", 0, ".tests: expected string, got number"},
	{"{'entry_point':{}}", 0, ".entry_point: expected string, got object"},
	/* a problem */
	{"{'prompt':'p','answer':'1'}", TRAJ_PROBLEM, ".task: missing"},
	{"{'task':'math','answer':'1'}", TRAJ_PROBLEM, ".prompt: missing"},
	{"{'task':'exact','prompt':'p'}", TRAJ_PROBLEM, ".answer: missing"},
	{"{'task':'number','prompt':'p'}", TRAJ_PROBLEM, ".answer: missing"},
	{"{'task':'math','prompt':'p'}", TRAJ_PROBLEM, ".answer: missing"},
	{"{'task':'number','prompt':'p','answer':7}", TRAJ_PROBLEM, NULL},
	{"{'task':'code','prompt':'p','answer':'7'}", TRAJ_PROBLEM,
	 ".tests: missing (task code needs entry_point and tests, or test_list)"},
	{"{'task':'code','prompt':'p','tests':'t'}", TRAJ_PROBLEM,
	 ".tests: missing (task code needs entry_point and tests, or test_list)"},
	{"{'task':'code','prompt':'p','tests':'t','entry_point':'f'}", TRAJ_PROBLEM, NULL},
	{"{'task':'code','prompt':'p','test_list':['assert f()']}", TRAJ_PROBLEM, NULL},
	/* batch, group, sample */
	{"{'batch':7}", 0, ".batch: expected object, got number"},
	{"{'batch':{}}", 0, ".batch.step: missing"},
	{"{'batch':{'step':1}}", 0, ".batch.size: missing"},
	{"{'batch':{'step':1,'size':2}}", 0, ".batch.index: missing"},
	{"{'batch':{'step':-1,'size':2,'index':0}}", 0,
	 ".batch.step: expected whole number of at least 0, got -1"},
	{"{'batch':{'step':1,'size':0,'index':0}}", 0,
	 ".batch.size: expected whole number of at least 1, got 0"},
	{"{'batch':{'step':1,'size':2,'index':2}}", 0,
	 ".batch.index: expected whole number of at most 1, got 2"},
	{"{'batch':{'step':1.5,'size':2,'index':2}}", 0, ".batch.step: expected whole number, got 1.5"},
	{"{'batch':{'step':1,'size':2,'index':1}}", 0, NULL},
	{"{'group':0}", 0, ".group: expected whole number of at least 1, got 0"},
	{"{'sample':-1}", 0, ".sample: expected whole number of at least 0, got -1"},
	{"{'sample':'0'}", 0, ".sample: expected whole number, got string"},
	{"{'seed':1e300}", 0, ".seed: expected whole number, got 1.0000000000000001e+300"},
	{"{'stage':3}", 0, ".stage: expected whole number of at most 2, got 3"},
	/* turns */
	{"{}", TRAJ_TURNS, ".turns: missing"},
	{"{}", TRAJ_REWARDS, ".turns: missing"},
	{"{'turns':{}}", 0, ".turns: expected array, got object"},
	{"{'turns':[]}", 0, NULL},
	{"{'turns':[]}", TRAJ_TURNS, ".turns: expected at least one turn"},
	{"{'turns':[1]}", 0, ".turns[0]: expected object, got number"},
	{"{'turns':[{'prompt':'p'}]}", 0, ".turns[0].response: missing"},
	{"{'turns':[{'response':null}]}", 0, ".turns[0].response: expected string, got null"},
	{TURN("'prompt':1"), 0, ".turns[1].prompt: expected string, got number"},
	{TURN("'tokens':'x'"), 0, ".turns[1].tokens: expected array, got string"},
	{TURN("'tokens':null"), 0, ".turns[1].tokens: expected array, got null"},
	{TURN("'tokens':[1,'x']"), 0, ".turns[1].tokens[1]: expected whole number, got string"},
	{TURN("'tokens':[-1]"), 0, ".turns[1].tokens[0]: expected whole number of at least 0, got -1"},
	{TURN("'tokens':[2147483647]"), 0, NULL},
	{TURN("'tokens':[2147483648]"), 0,
	 ".turns[1].tokens[0]: expected whole number of at most 2147483647, got 2147483648"},
	{TURN("'context':{}"), 0, ".turns[1].context: expected array, got object"},
	{TURN("'context':[0.5]"), 0, ".turns[1].context[0]: expected whole number, got 0.5"},
	{TURN("'tokens':[1,2],'logprobs':[-1,-2]"), 0, NULL},
	{TURN("'tokens':[],'logprobs':[]"), 0, NULL},
	{TURN("'logprobs':[]"), 0, ".turns[1].logprobs: there are no tokens for it"},
	{TURN("'tokens':[1,2],'logprobs':[-1]"), 0,
	 ".turns[1].logprobs: expected 2 numbers, one per token, got 1"},
	{TURN("'tokens':[1],'logprobs':[null]"), 0, ".turns[1].logprobs[0]: expected number, got null"},
	{TURN("'tokens':[1],'logprobs':[-1e39]"), 0,
	 ".turns[1].logprobs[0]: -9.9999999999999994e+38 is too large"},
	{TURN("'tokens':[1],'sample_logprobs':[]"), 0,
	 ".turns[1].sample_logprobs: expected 1 numbers, one per token, got 0"},
	{TURN("'tokens':[1],'ref_logprobs':3"), 0,
	 ".turns[1].ref_logprobs: expected array, got number"},
	{TURN("'sampling':[]"), 0, ".turns[1].sampling: expected object, got array"},
	{TURN("'sampling':{'temperature':-1}"), 0,
	 ".turns[1].sampling.temperature: expected a number of at least 0, got -1"},
	{TURN("'sampling':{'top_p':1.5}"), 0,
	 ".turns[1].sampling.top_p: expected a number from 0 to 1, got 1.5"},
	{TURN("'sampling':{'top_k':-1}"), 0,
	 ".turns[1].sampling.top_k: expected whole number of at least 0, got -1"},
	{TURN("'sampling':{'greedy':1}"), 0,
	 ".turns[1].sampling.greedy: expected true or false, got number"},
	{TURN("'sampling':{'temperature':1,'top_p':1,'top_k':0,'greedy':false}"), 0, NULL},
	{TURN("'finish':'eos'"), 0, ".turns[1].finish: expected stop or length, got \"eos\""},
	{TURN("'finish':1"), 0, ".turns[1].finish: expected string, got number"},
	{TURN("'given':1"), 0, ".turns[1].given: expected true or false, got number"},
	{TURN("'snapshot':-1"), 0, ".turns[1].snapshot: expected whole number of at least 0, got -1"},
	{TURN("'weight':-0.5"), 0, ".turns[1].weight: expected a number of at least 0, got -0.5"},
	{TURN("'weight':'1'"), 0, ".turns[1].weight: expected number, got string"},
	{TURN("'reward':1.5"), 0, ".turns[1].reward: expected a number from 0 to 1, got 1.5"},
	{TURN("'reward':-0.1"), 0,
	 ".turns[1].reward: expected a number from 0 to 1, got -0.10000000000000001"},
	{TURN("'reward':true"), 0, ".turns[1].reward: expected number, got true"},
	{TURN("'verdict':'pass'"), 0, ".turns[1].verdict: expected object, got string"},
	{TURN("'verdict':{}"), 0, ".turns[1].verdict.status: missing"},
	{TURN("'verdict':{'status':1}"), 0, ".turns[1].verdict.status: expected string, got number"},
	{TURN("'return':null"), 0, ".turns[1].return: expected number, got null"},
	{TURN("'advantage':'1'"), 0, ".turns[1].advantage: expected number, got string"},
	/* what a tool needs */
	{TURN("'given':true"), TRAJ_TOKENS, ".turns[0].context: missing"},
	{"{'turns':[{'response':'x','context':[1]}]}", TRAJ_TOKENS, ".turns[0].tokens: missing"},
	{"{'turns':[{'response':'x','context':[1],'tokens':[]}]}", TRAJ_TOKENS | TRAJ_TURNS, NULL},
	{"{'turns':[{'response':'x','context':[1],'tokens':[2]}]}", TRAJ_LOGPROBS,
	 ".turns[0].logprobs: missing"},
	{"{'turns':[{'response':'x','context':[1],'tokens':[2],'given':true}]}", TRAJ_LOGPROBS, NULL},
	{"{'turns':[{'response':'x','tokens':[],'logprobs':[]}]}", TRAJ_LOGPROBS, NULL},
	{"{'turns':[{'response':'x'}]}", TRAJ_REWARDS, ".turns[0].reward: missing"},
	{"{'turns':[{'response':'x','reward':null}]}", TRAJ_REWARDS, NULL},
	{"{'turns':[{'response':'x','return':1}]}", TRAJ_RETURNS,
	 ".turns[0].return, .advantage: missing"},
	{"{'turns':[{'response':'x','return':1,'advantage':-3}]}", TRAJ_RETURNS, NULL},
};

static void refused(void)
{
	struct err e;
	struct traj t;

	for (size_t i = 0; i < LEN(cases); i++) {
		int rc;

		e.msg[0] = 0;
		rc = parse(cases[i].text, cases[i].need, &t, &e);
		if (!ok(cases[i].message ? rc == -1 && !strcmp(e.msg, cases[i].message) : rc == 0, "%s",
		        cases[i].message ? cases[i].message : "good"))
			diag("%s: %s", cases[i].text, rc ? e.msg : "accepted");
		traj_release(&t);
	}
	ok(traj_parse(js_num(1), 0, &t, &e) && !strcmp(e.msg, "expected an object, got number"), "%s",
	   e.msg);
	ok(traj_parse(js_object(), TRAJ_ID, &t, NULL) == -1, "without a place for the message");
}

static void whole_record(void)
{
	struct err e = {0};
	struct traj t;
	struct buf b = {0};
	const struct turn *u;
	const char *text = "{'id':'p1','task':'number','prompt':'1+1','answer':'2','mine':[1],'batch':{"
	                   "'step':7,'size':4,'index':3},"
	                   "'group':2,'sample':1,'seed':9007199254740992,'stage':2,'turns':[{'prompt':'"
	                   "a\\u0000b','context':[5,6],'response':'x\\u0000y',"
	                   "'tokens':[7,8,9],'logprobs':[-0.5,-1.25,-0.1],'finish':'length','snapshot':"
	                   "7,'reward':1,'verdict':{'status':'pass'},"
	                   "'return':1.5,'advantage':-0.5},{'response':'','given':true,'weight':0,'"
	                   "finish':'stop','reward':null}]}";

	if (!ok(!parse(text, TRAJ_ID | TRAJ_TURNS | TRAJ_PROBLEM | TRAJ_REWARDS, &t, &e),
	        "a whole record"))
		diag("%s", e.msg);
	ok(!strcmp(t.id, "p1") && !strcmp(t.task, "number") && t.line == 0, "id, task");
	ok(t.has_batch && t.step == 7 && t.size == 4 && t.index == 3 && t.has_group && t.group == 2,
	   "batch, group");
	ok(t.has_sample && t.sample == 1 && t.seed == UINT64_C(1) << 53 && t.stage == 2,
	   "sample, seed, stage");
	ok(t.n_turns == 2, "turns");
	u = &t.turns[0];
	ok(u->prompt_len == 3 && !memcmp(u->prompt, "a\0b", 4) && u->response_len == 3 &&
	       !memcmp(u->response, "x\0y", 4),
	   "text may hold NUL");
	ok(u->has_context && u->n_context == 2 && u->context[1] == 6 && u->has_tokens &&
	       u->n_tokens == 3 && u->tokens[2] == 9,
	   "context, tokens");
	ok(u->logprobs && u->logprobs[1] == -1.25f && u->logprobs[2] == -0.1f, "logprobs");
	ok(u->length && !u->given && u->snapshot == 7 && u->weight == 1,
	   "finish, snapshot, weight's default");
	ok(u->has_reward && !u->error && u->reward == 1 && u->has_return && u->ret == 1.5 &&
	       u->advantage == -0.5,
	   "reward, return");
	u = &t.turns[1];
	ok(!u->prompt && u->response_len == 0 && !u->has_tokens && !u->has_context && !u->logprobs,
	   "absent fields");
	ok(!u->length && u->given && u->snapshot == -1 && u->weight == 0, "given, weight");
	ok(u->has_reward && u->error && u->reward == 0 && !u->has_return && traj_errored(&t),
	   "a null reward");
	traj_set_turn(&t, 1, "reward", js_num(0.5));
	traj_set_turn(&t, 0, "new", js_bool(1));
	traj_set_turn(&t, 0, "snapshot", js_num(8));
	traj_set_turn(&t, 2, "reward", js_num(1));
	ok(!js_print(t.rec, &b, &e), "printed");
	ok(strstr(b.data, "\"stage\":2,\"turns\":[{\"prompt\"") &&
	       strstr(b.data, "\"finish\":\"length\",\"snapshot\":8,\"reward\":1,") &&
	       strstr(b.data, "\"advantage\":-0.5,\"new\":true},{") &&
	       strstr(b.data, "\"reward\":0.5}]}"),
	   "turns changed in place");
	ok(strstr(b.data, "\"mine\":[1],\"batch\"") != NULL, "other fields stay in theirs");
	traj_release(&t);
	traj_release(&t);
	ok(!parse("{}", 0, &t, &e) && t.group == 1 && t.sample == 0 && !t.has_sample && !t.has_group &&
	       !t.n_turns && !traj_errored(&t),
	   "defaults");
	traj_release(&t);
	buf_release(&b);
}

int main(void)
{
	refused();
	whole_record();
	return done();
}
