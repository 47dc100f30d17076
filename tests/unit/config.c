/* SPDX-License-Identifier: MIT */
/* model/config: text form, limits, the list of tensors. */
#include "tap.h"
#include "model/config.h"

#include <string.h>

static struct model_config smollm(void)
{
	return (struct model_config){
	    .arch = ARCH_LLAMA,
	    .layers = 30,
	    .width = 576,
	    .heads = 9,
	    .kv_heads = 3,
	    .head_size = 64,
	    .ffn = 1536,
	    .vocab = 49152,
	    .context = 8192,
	    .norm_eps = 1e-5f,
	    .rope_theta = 100000,
	    .tied = 1,
	};
}

static void round_trip(void)
{
	struct model_config c = smollm(), d;
	struct buf a = {0}, b = {0}, half = {0};
	struct err e;
	size_t missing = 0, i = 0;

	c.norm_eps = 0.1f;
	c.rope_theta = 1.0 / 3 + 10000;
	model_config_print(&c, &a);
	if (!ok(!model_config_parse(a.data, &d, &e), "parses what it prints"))
		diag("%s", e.msg);
	model_config_print(&d, &b);
	ok(!strcmp(a.data, b.data), "text, config, text is the same");
	ok(d.norm_eps == c.norm_eps && d.rope_theta == c.rope_theta && d.tied == 1,
	   "floats to the last bit");
	/* every line is needed */
	for (const char *line = a.data; *line; line = strchr(line, '\n') + 1, i++) {
		size_t skip_to = (size_t)(strchr(line, '\n') + 1 - a.data);

		buf_clear(&half);
		buf_add(&half, a.data, (size_t)(line - a.data));
		buf_adds(&half, a.data + skip_to);
		missing += model_config_parse(half.data, &d, &e) == -1
		           && strstr(e.msg, model_config_field(i)) && strstr(e.msg, "is missing");
	}
	ok(missing == i && !model_config_field(i), "each of %zu fields is missed by name", i);
	buf_clear(&half);
	buf_addf(&half, "%swidth 576\n", a.data);
	ok(model_config_parse(half.data, &d, &e) == -1 && strstr(e.msg, "twice"),
	   "a field given twice");
	buf_clear(&half);
	buf_addf(&half, "%sdepth 3\n", a.data);
	ok(model_config_parse(half.data, &d, &e) == -1 && strstr(e.msg, "'depth'"), "an unknown field");
	ok(model_config_parse("layers", &d, &e) == -1, "a line without a value");
	buf_release(&a);
	buf_release(&b);
	buf_release(&half);
}

static void limits(void)
{
	static const struct {
		const char *name, *value, *says;
	} bad[] = {
		{"layers", "0", "layers"}, {"layers", "-1", "layers"}, {"layers", "4294967297", "layers"},
		{"width", "65537", "width"}, {"vocab", "1e3", "vocab"}, {"norm_eps", "nan", "norm_eps"},
		{"norm_eps", "0", "norm_eps"}, {"rope_theta", "0", "rope_theta"},
		{"head_size", "63", "odd"}, {"kv_heads", "2", "multiple"}, {"arch", "gpt9", "gpt9"},
		{"tied", "2", "tied"}, {"window", "512", "window"}, {"rope_factor", "8", "rope"},
		{"rope_factor", "0.5", "rope"}, {"rope_linear", "0.5", "rope_linear"},
		{"colour", "1", "colour"},
	};

	for (size_t i = 0; i < LEN(bad); i++) {
		struct model_config c = smollm();
		struct err e;
		int rc = model_config_set(&c, bad[i].name, bad[i].value, &e);

		if (!rc)
			rc = model_config_check(&c, &e);
		ok(rc == -1 && strstr(e.msg, bad[i].says), "%s %s is refused: %s", bad[i].name,
		   bad[i].value, rc ? e.msg : "no error");
	}
}

/* Every name once, sizes as counted by hand. */
static void params(void)
{
	static const struct {
		enum arch arch;
		int tied;
		size_t n;
		uint64_t values;
	} want[] = {
		{ARCH_LLAMA, 1, 1 + 30 * 9 + 1, 134515008},           /* what SmolLM2-135M is known to
		                                                       * have */
		{ARCH_LLAMA, 0, 1 + 30 * 9 + 2, 134515008 + 49152 * 576},
		{ARCH_QWEN2, 1, 1 + 30 * 12 + 1, 134515008 + 30 * (576 + 192 + 192)},
		{ARCH_QWEN3, 1, 1 + 30 * 11 + 1, 134515008 + 30 * 128},
		{ARCH_GEMMA3, 1, 1 + 30 * 13 + 1, 134515008 + 30 * (128 + 2 * 576)},
		{ARCH_MISTRAL, 0, 1 + 30 * 9 + 2, 134515008 + 49152 * 576},
		{ARCH_OLMO2, 0, 1 + 30 * 11 + 2, 134515008 + 49152 * 576 + 30 * (576 + 192)},
		{ARCH_SMOLLM3, 1, 1 + 30 * 9 + 1, 134515008},
	};

	for (size_t i = 0; i < LEN(want); i++) {
		struct model_config c = smollm();
		struct param p, q;
		size_t same = 0;

		c.arch = want[i].arch;
		c.tied = want[i].tied;
		ok(model_params(&c) == want[i].n, "%s: %zu tensors", arch_name(c.arch), model_params(&c));
		ok(model_size(&c) == want[i].values, "%s: %llu values", arch_name(c.arch),
		   (unsigned long long)model_size(&c));
		for (size_t a = 0; a < model_params(&c); a++)
			for (size_t b = 0; b < a; b++) {
				model_param(&c, a, &p);
				model_param(&c, b, &q);
				same += !strcmp(p.name, q.name);
			}
		ok(!same, "%s: no name twice", arch_name(c.arch));
		ok(arch_by_name(arch_name(c.arch)) == c.arch, "%s: name and back", arch_name(c.arch));
	}
}

static void order(void)
{
	static const char *const names[] = {
		"token_embd.weight", "blk.0.attn_norm.weight", "blk.0.attn_q.weight", "blk.0.attn_k.weight",
		"blk.0.attn_v.weight", "blk.0.attn_q_norm.weight", "blk.0.attn_k_norm.weight",
		"blk.0.attn_output.weight", "blk.0.post_attention_norm.weight", "blk.0.ffn_norm.weight",
		"blk.0.ffn_gate.weight", "blk.0.ffn_up.weight", "blk.0.ffn_down.weight",
		"blk.0.post_ffw_norm.weight", "blk.1.attn_norm.weight",
	};
	struct model_config c = smollm();
	struct param p;
	size_t right = 0;

	c.arch = ARCH_GEMMA3;
	c.tied = 0;
	for (size_t i = 0; i < LEN(names); i++) {
		model_param(&c, i, &p);
		right += !strcmp(p.name, names[i]);
	}
	ok(right == LEN(names), "gemma3: names in order");
	model_param(&c, model_params(&c) - 1, &p);
	ok(!strcmp(p.name, "output.weight") && p.rank == 2 && p.rows == 49152 && p.cols == 576,
	   "the head is last");
	model_param(&c, model_params(&c) - 2, &p);
	ok(!strcmp(p.name, "output_norm.weight") && p.rank == 1 && p.rows == 576 && p.cols == 1,
	   "before it the final norm");
	model_param(&c, 3, &p);
	ok(p.rows == 192 && p.cols == 576 && p.rank == 2, "attn_k is [G*S][D]");
	model_param(&c, 12, &p);
	ok(p.rows == 576 && p.cols == 1536, "ffn_down is [D][F]");
}

/* Adapters come after the base's tensors, two for each matrix of a layer, and find their matrix
 * again. */
static void adapters(void)
{
	struct model_config c = smollm(), d;
	struct param p, w;
	size_t base = model_params(&c), right = 0, there = 0;
	struct buf text = {0};
	struct err e;

	c.lora_rank = 4;
	c.lora_alpha = 8;
	ok(model_base_params(&c) == base && model_params(&c) == base + 30 * 7 * 2,
	   "two adapter tensors for each matrix");
	for (size_t i = base; i < model_params(&c); i++) {
		char want[80];
		int b = (i - base) & 1;

		model_param(&c, i, &p);
		model_param(&c, model_adapted(&c, i), &w);
		snprintf(want, sizeof want, "%s.lora_%c", w.name, b ? 'b' : 'a');
		right += !strcmp(p.name, want) && p.rank == 2 && w.rank == 2 &&
		         p.rows == (b ? w.rows : 4) && p.cols == (b ? 4 : w.cols) &&
		         model_adapter(&c, model_adapted(&c, i)) == i - (size_t)b;
	}
	ok(right == 30 * 7 * 2, "named after their matrix, of its sizes, and found from it");
	for (size_t i = 0; i < base; i++) {
		model_param(&c, i, &p);
		there += !!model_adapter(&c, i) == (p.rank == 2 && !strncmp(p.name, "blk.", 4));
	}
	ok(there == base, "layers' matrices have adapters, nothing else has");
	model_config_print(&c, &text);
	ok(!model_config_parse(text.data, &d, &e) && d.lora_rank == 4 && d.lora_alpha == 8,
	   "the configuration says so");
	buf_release(&text);
}

int main(void)
{
	round_trip();
	limits();
	params();
	order();
	adapters();
	return done();
}
