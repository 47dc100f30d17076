/* SPDX-License-Identifier: MIT */
/* Hugging Face directories: round trips, both layouts of config.json, shards, types, and lies about
 * all of them. */
#include "unit/import_fixture.h"

#include "import/map.h"
#include "import/safetensors.h"

static const enum arch archs[] = {
	ARCH_LLAMA, ARCH_QWEN2, ARCH_QWEN3, ARCH_GEMMA3, ARCH_MISTRAL, ARCH_OLMO2, ARCH_SMOLLM3,
};

/* ---- round trips ---- */

static void write_model(const char *dir, const struct model_config *c, const struct vocab *v)
{
	struct buf tensor = {0};

	if (export_hf(at(dir), c, v, tiny_get, &tensor, &e))
		die(EXIT_ERROR, "%s", e.msg);
	buf_release(&tensor);
}

static void round_trip(const struct model_config *c, const struct vocab *v, const char *what)
{
	static int n;
	char dir[32];
	struct import *im;

	snprintf(dir, sizeof dir, "round%d", n++);
	write_model(dir, c, v);
	if (!ok(!import_open(at(dir), &im, &e), "%s, %s: read", arch_name(c->arch), what)) {
		diag("%s", e.msg);
		return;
	}
	ok(same_config(import_config(im), c), "%s, %s: same configuration", arch_name(c->arch), what);
	if (v->kind == TOK_SPM) {
		/* scores become ranks: what counts is the ids */
		ok(same_ids(import_vocab(im), v, "hello hell  he\xc3\xa9\n"), "%s, %s: the same ids",
		   arch_name(c->arch), what);
		ok(import_vocab(im)->add_bos && import_vocab(im)->add_space_prefix == v->add_space_prefix &&
		       import_vocab(im)->unk == v->unk,
		   "%s, %s: bos, unk and space as before", arch_name(c->arch), what);
	} else {
		ok(same_vocab(import_vocab(im), v), "%s, %s: same vocabulary", arch_name(c->arch), what);
	}
	ok(!tiny_differ(im), "%s, %s: same tensors", arch_name(c->arch), what);
	import_close(im);
}

static void round_trips(void)
{
	static const enum tok_pre pres[] = {TOK_PRE_NONE, TOK_PRE_GPT2, TOK_PRE_SMOLLM, TOK_PRE_QWEN2,
	                                    TOK_PRE_LLAMA_BPE};
	struct model_config c;
	struct vocab v;

	vocab_bytes(&v);
	for (size_t i = 0; i < LEN(archs); i++) {
		c = tiny_config(archs[i], (uint32_t)v.n);
		round_trip(&c, &v, "bytes");
	}
	c = tiny_config(ARCH_MISTRAL, (uint32_t)v.n);
	c.window = 8;
	c.window_every = c.layers + 1;
	c.rope_local_theta = c.rope_theta;
	round_trip(&c, &v, "a window");
	c = tiny_config(ARCH_SMOLLM3, (uint32_t)v.n);
	c.layers = 6;
	round_trip(&c, &v, "six layers");
	c.rope_skip = 0;
	round_trip(&c, &v, "all layers rotate");
	c = tiny_config(ARCH_GEMMA3, (uint32_t)v.n);
	c.window_every = 2;
	c.attn_scale = 0.25;
	c.rope_linear = 8;
	round_trip(&c, &v, "other windows and scale");
	vocab_release(&v);
	for (size_t i = 0; i < LEN(pres); i++) {
		tiny_bpe(&v, pres[i]);
		/* two rows that no token has */
		add(&v, "[PAD263]", TOK_UNUSED, 0);
		add(&v, "[PAD264]", TOK_UNUSED, 0);
		c = tiny_config(ARCH_LLAMA, (uint32_t)v.n);
		round_trip(&c, &v, tok_pre_name(pres[i]));
		vocab_release(&v);
	}
	for (int prefix = 0; prefix < 2; prefix++) {
		tiny_spm(&v);
		v.add_space_prefix = prefix;
		c = tiny_config(ARCH_GEMMA3, (uint32_t)v.n);
		round_trip(&c, &v, prefix ? "spm with a space prefix" : "spm");
		vocab_release(&v);
	}
}

static void targets(void)
{
	struct buf tensor = {0};
	struct vocab v;
	struct model_config c;

	vocab_bytes(&v);
	c = tiny_config(ARCH_QWEN3, (uint32_t)v.n);
	make_dir("empty");
	ok(!export_hf(at("empty/"), &c, &v, tiny_get, &tensor, &e),
	   "an empty directory may be written");
	fails(export_hf(at("empty"), &c, &v, tiny_get, &tensor, &e), "is not empty",
	      "one with files may not");
	fails(export_hf(at("absent/x"), &c, &v, tiny_get, &tensor, &e), "No such file",
	      "nor one in nothing");
	put_file("file", "x", 1);
	fails(export_hf(at("file"), &c, &v, tiny_get, &tensor, &e), "Not a directory", "nor a file");
	fails(export_gguf(at("absent/x.gguf"), &c, &v, tiny_get, &tensor, &e), "No such file",
	      "nor a file in nothing");
	c.vocab++;
	fails(export_hf(at("other"), &c, &v, tiny_get, &tensor, &e), "259 rows",
	      "nor a vocabulary of another size");
	buf_release(&tensor);
	vocab_release(&v);
}

/* ---- one directory, changed in one file ---- */

static struct buf saved;             /* what the changed file held */

static void swap_text(const char *file, const char *from, const char *to)
{
	struct buf b = {0};
	char *p;

	saved = get_file(file);
	p = strstr(saved.data, from);
	if (!p)
		die(EXIT_ERROR, "%s: no '%s'", file, from);
	buf_add(&b, saved.data, (size_t)(p - saved.data));
	buf_adds(&b, to);
	buf_adds(&b, p + strlen(from));
	put_file(file, b.data, b.len);
	buf_release(&b);
}

static void swap_back(const char *file)
{
	put_file(file, saved.data, saved.len);
	buf_release(&saved);
}

static void put_text(const char *file, const char *text)
{
	put_file(file, text, strlen(text));
}

static int opens(const char *dir)
{
	struct import *im = NULL;
	int rc = import_open(at(dir), &im, &e);

	import_close(im);
	return rc;
}

static void changed(const char *dir, const char *file, const char *from, const char *to,
                    const char *want, const char *name)
{
	char path[64];

	snprintf(path, sizeof path, "%s/%s", dir, file);
	swap_text(path, from, to);
	fails(opens(dir), want, name);
	swap_back(path);
}

static void configurations(void)
{
	static const struct { const char *from, *to, *want; } cases[] = {
		{"LlamaForCausalLM", "MixtralForCausalLM",
			"architecture 'MixtralForCausalLM' is not supported"},
		{"\"architectures\":[\"LlamaForCausalLM\"],\"model_type\":\"llama\"",
		 "\"model_type\":\"bloom\"", "architecture 'bloom'"},
		{"\"num_hidden_layers\":2", "\"num_hidden_layers\":2.5", "num_hidden_layers"},
		{"\"num_hidden_layers\":2", "\"num_hidden_layers\":-2", "num_hidden_layers"},
		{"\"num_hidden_layers\":2", "\"x\":2", "num_hidden_layers is missing"},
		{"\"num_hidden_layers\":2", "\"num_hidden_layers\":1024",
		 "tensor model.layers.2.input_layernorm.weight is missing"},
		{"\"num_hidden_layers\":2", "\"num_hidden_layers\":4000000000", "layers"},
		{"\"num_hidden_layers\":2", "\"num_hidden_layers\":1", "not part of a model"},
		{"\"intermediate_size\":24", "\"intermediate_size\":25", "shape"},
		{"\"num_attention_heads\":4", "\"num_attention_heads\":0", "no heads"},
		{"\"num_key_value_heads\":2", "\"num_key_value_heads\":0", "no heads"},
		{"\"num_key_value_heads\":2", "\"num_key_value_heads\":3", "kv_heads"},
		{"\"head_dim\":8", "\"head_dim\":9", "head_size"},
		{"\"rope_type\":\"llama3\"", "\"rope_type\":\"yarn\"",
		 "rope scaling 'yarn' is not supported"},
		{"\"low_freq_factor\":1,", "", "rope scaling llama3: expected"},
		{"\"silu\"", "\"gelu\"", "hidden_act: only \"silu\""},
		{"\"attention_bias\":false", "\"attention_bias\":true",
		 "attention_bias: true is not supported"},
		{"\"attention_bias\":false", "\"attention_bias\":1", "expected true or false"},
		{"\"attention_bias\":false", "\"quantization_config\":{}",
		 "quantization_config is not supported"},
		{"\"attention_bias\":false", "\"layer_types\":[\"full_attention\",\"sliding_attention\"]",
		 "not a regular pattern"},
		{"\"attention_bias\":false", "\"layer_types\":[\"sliding_attention\",\"full_attention\"]",
		 "layer_types: windowed"},
		{"\"attention_bias\":false", "\"layer_types\":[\"full_attention\"]",
		 "for each of 2 layers"},
		{"\"rope_theta\":500000", "\"rope_theta\":\"x\"", "rope_theta: expected a number"},
		{"\"vocab_size\":258", "\"vocab_size\":257", "shape"},
		{"\"attention_bias\":false", "\"partial_rotary_factor\":0.5",
		 "partial_rotary_factor: 0.5 is not supported"},
		{"\"rope_type\":\"llama3\",", "", "a factor, but no type of scaling"},
		{"{", "[", "config.json"},
	};
	struct model_config c;
	struct vocab v;

	vocab_bytes(&v);
	c = tiny_config(ARCH_LLAMA, (uint32_t)v.n);
	write_model("conf", &c, &v);
	vocab_release(&v);
	ok(!opens("conf"), "the directory itself is fine");
	for (size_t i = 0; i < LEN(cases); i++)
		changed("conf", "config.json", cases[i].from, cases[i].to, cases[i].want, cases[i].to);
	fails(opens("absent"), "No such file", "no directory");
	make_dir("hollow");
	fails(opens("hollow"), "config.json: No such file", "no config.json");
}

/* The same shape in the other layouts that transformers has written. */
static void layouts(void)
{
	static const struct { enum arch a; const char *from, *to;
	} cases[] = {
		{ARCH_LLAMA, "\"rope_theta\":500000,\"rope_scaling\":{",
	     "\"rope_parameters\":{\"rope_theta\":500000.0,"},
		{ARCH_LLAMA, "\"rope_type\":\"llama3\"", "\"type\":\"llama3\""},
		{ARCH_QWEN2, "\"head_dim\":8",
	     "\"head_dim\":8,\"use_sliding_window\":false,\"sliding_window\":32768,"
	     "\"layer_types\":[\"full_attention\",\"full_attention\"]"},
		{ARCH_QWEN3, "\"rope_theta\":10000,\"rope_scaling\":{",
	     "\"rope_parameters\":{\"rope_theta\":10000,"},
		{ARCH_QWEN3, "\"architectures\":[\"Qwen3ForCausalLM\"],", ""},
		{ARCH_GEMMA3, "\"rope_theta\":1000000,\"rope_scaling\":null",
	     "\"rope_parameters\":{\"full_attention\":{\"rope_type\":\"default\",\"rope_theta\":"
	     "1000000.0},"
	     "\"sliding_attention\":{\"rope_type\":\"default\",\"rope_theta\":10000.0}}"},
		{ARCH_GEMMA3,
	     "\"layer_types\":[\"sliding_attention\",\"full_attention\"],\"_sliding_window_pattern\":2",
	     "\"sliding_window_pattern\":2"},
		{ARCH_GEMMA3, "\"layer_types\":[\"sliding_attention\",\"full_attention\"],", ""},
		{ARCH_GEMMA3, ",\"_sliding_window_pattern\":2", ""},
		{ARCH_SMOLLM3, ",\"no_rope_layer_interval\":2", ""},
		{ARCH_SMOLLM3, "\"no_rope_layers\":[1,0],", ""},
	};
	struct vocab v;

	vocab_bytes(&v);
	for (size_t i = 0; i < LEN(cases); i++) {
		struct model_config c = tiny_config(cases[i].a, (uint32_t)v.n);
		char dir[32], path[64];
		struct import *im;

		if (c.arch == ARCH_GEMMA3)
			c.window_every = 2;
		if (c.arch == ARCH_SMOLLM3)
			c.rope_skip = 2;
		snprintf(dir, sizeof dir, "layout%zu", i);
		snprintf(path, sizeof path, "%s/config.json", dir);
		write_model(dir, &c, &v);
		swap_text(path, cases[i].from, cases[i].to);
		if (ok(!import_open(at(dir), &im, &e), "%s: %.60s", arch_name(c.arch), cases[i].to))
			ok(same_config(import_config(im), &c), "the same configuration");
		else
			diag("%s", e.msg);
		import_close(im);
		buf_release(&saved);
	}
	vocab_release(&v);
}

/* What an architecture's traits refuse. */
static void traits(void)
{
	static const struct { enum arch a; const char *from, *to, *want; } cases[] = {
		{ARCH_SMOLLM3, "\"no_rope_layers\":[1,1,1,0,1,1]",
			"\"no_rope_layers\":[1,1,0,1,1,1]",
		 "not a regular pattern"},
		{ARCH_SMOLLM3, "\"no_rope_layers\":[1,1,1,0,1,1]", "\"no_rope_layers\":[1,1,1,0]",
		 "each of 6 layers"},
		{ARCH_MISTRAL, "\"sliding_window\":null", "\"sliding_window\":-1",
			"sliding_window"},
		{ARCH_MISTRAL, "\"sliding_window\":null", "\"sliding_window\":8,\"rope_parameters\":"
		 "{\"rope_type\":\"linear\",\"factor\":2}", "rope scaling of windowed layers"},
		{ARCH_OLMO2, "\"attention_bias\":false", "\"attention_bias\":true",
			"attention_bias"},
		{ARCH_OLMO2, "\"hidden_act\":\"silu\"", "\"hidden_act\":\"gelu\"", "hidden_act"},
	};
	struct vocab v;

	vocab_bytes(&v);
	for (size_t i = 0; i < LEN(cases); i++) {
		struct model_config c = tiny_config(cases[i].a, (uint32_t)v.n);
		char dir[32];

		c.layers = 6;
		snprintf(dir, sizeof dir, "trait%zu", i);
		write_model(dir, &c, &v);
		changed(dir, "config.json", cases[i].from, cases[i].to, cases[i].want, cases[i].to);
	}
	vocab_release(&v);
}

/* ---- safetensors ---- */

/* A file of this header and n bytes of data. */
static void put_st(const char *name, const char *header, size_t n)
{
	struct buf b = {0};
	uint64_t len = strlen(header);

	for (int i = 0; i < 8; i++)
		buf_addc(&b, (char)(len >> 8 * i & 255));
	buf_adds(&b, header);
	for (size_t i = 0; i < n; i++)
		buf_addc(&b, 0);
	put_file(name, b.data, b.len);
	buf_release(&b);
}

static void st_cases(void)
{
	static const struct { const char *name, *header; size_t data; const char *want;
	} cases[] = {
		{"not an object", "[]", 0, "expected an object"},
		{"not JSON", "{\"a\":", 0, "header: "},
		{"the same name twice",
	     "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
	     "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
	     8, "header: "},
		{"no dtype", "{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
	     "expected an object with dtype"},
		{"a dtype that is not supported",
	     "{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[4],\"data_offsets\":[0,4]}}", 4,
	     "dtype F8_E4M3 is not supported"},
		{"five dimensions",
	     "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1],\"data_offsets\":[0,4]}}", 4,
	     "at most 4"},
		{"a negative dimension",
	     "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}}", 4, "shape: "},
		{"a product that overflows",
	     "{\"a\":{\"dtype\":\"F32\",\"shape\":[9007199254740992,9007199254740992],"
	     "\"data_offsets\":[0,4]}}",
	     4, "overflow"},
		{"bytes that overflow",
	     "{\"a\":{\"dtype\":\"F32\",\"shape\":[4503599627370496,1024],\"data_offsets\":[0,0]}}", 0,
	     "disagree"},
		{"one offset", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4,
	     "expected two numbers"},
		{"offsets the wrong way round",
	     "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4,
	     "before the beginning"},
		{"offsets beyond the file",
	     "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 3, "past the end"},
		{"a shape of other size",
	     "{\"a\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "disagree"},
		{"a gap", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", 8, "a gap"},
		{"an overlap",
	     "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
	     "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
	     8, "overlaps"},
		{"bytes at the end", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 5,
	     "1 bytes after"},
	};
	struct safetensors s;

	for (size_t i = 0; i < LEN(cases); i++) {
		put_st("a.safetensors", cases[i].header, cases[i].data);
		fails(st_open(at("a.safetensors"), &s, &e), cases[i].want, cases[i].name);
	}
	put_file("a.safetensors", "\1\0\0\0", 4);
	fails(st_open(at("a.safetensors"), &s, &e), "too short", "four bytes");
	put_file("a.safetensors", "\xff\xff\xff\xff\xff\xff\xff\xff{}", 10);
	fails(st_open(at("a.safetensors"), &s, &e), "limit of 100 MB",
	      "a header as long as the address space");
	put_file("a.safetensors", "\3\0\0\0\0\0\0\0{}", 10);
	fails(st_open(at("a.safetensors"), &s, &e), "end of the file", "a header longer than the file");
	put_st("a.safetensors",
	       "{\"__metadata__\":{\"a\":\"b\"},\"e\":{\"dtype\":\"BF16\",\"shape\":[0],\"data_"
	       "offsets\":[0,0]},"
	       "\"s\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}   ",
	       4);
	ok(!st_open(at("a.safetensors"), &s, &e) && s.n == 2 && st_find(&s, "s")->bytes == 4,
	   "empty and scalar tensors are fine");
	st_close(&s);
}

static void truncated(void)
{
	struct vocab v;
	struct model_config c;
	size_t passed = 0, n;
	struct stat st;

	vocab_bytes(&v);
	c = tiny_config(ARCH_QWEN3, (uint32_t)v.n);
	write_model("short", &c, &v);
	vocab_release(&v);
	if (stat(at("short/model.safetensors"), &st))
		die(EXIT_ERROR, "stat");
	for (n = (size_t)st.st_size; n-- > 0;) {
		struct safetensors s;

		if (truncate(at("short/model.safetensors"), (off_t)n))
			die(EXIT_ERROR, "truncate");
		passed += !st_open(at("short/model.safetensors"), &s, &e);
	}
	ok(!passed, "all %zu shorter files are refused", (size_t)st.st_size);
}

/* ---- shards ---- */

/* Splits dir's model.safetensors: every other tensor into each of two files, as F16 or F32 where
 * that is exact. */
static void split(const char *dir, int wide)
{
	struct buf head[2] = {{0}, {0}}, data[2] = {{0}, {0}}, map = {0};
	char path[64];
	struct safetensors s;

	snprintf(path, sizeof path, "%s/model.safetensors", dir);
	if (st_open(at(path), &s, &e))
		die(EXIT_ERROR, "%s", e.msg);
	for (size_t i = 0; i < s.n; i++) {
		const struct st_tensor *t = &s.tensors[i];
		int k = i % 2, f32 = wide && i % 4 > 1;
		size_t from = data[k].len;

		for (size_t b = 0; b < t->bytes; b += 2) {
			if (f32)
				buf_add(&data[k], "\0\0", 2);
			buf_add(&data[k], s.map.p + t->at + b, 2);
		}
		buf_addf(&head[k], "%c\"%s\":{\"dtype\":\"%s\",\"shape\":[%llu", head[k].len ? ',' : '{',
		         t->name, f32 ? "F32" : "BF16", (unsigned long long)t->shape[0]);
		if (t->rank == 2)
			buf_addf(&head[k], ",%llu", (unsigned long long)t->shape[1]);
		buf_addf(&head[k], "],\"data_offsets\":[%zu,%zu]}", from, data[k].len);
		buf_addf(&map, "%s\"%s\":\"model-%05d-of-00002.safetensors\"",
		         map.len ? "," : "{\"metadata\":{},\"weight_map\":{", t->name, k + 1);
	}
	st_close(&s);
	unlink(at(path));
	buf_adds(&map, "}}");
	snprintf(path, sizeof path, "%s/model.safetensors.index.json", dir);
	put_file(path, map.data, map.len);
	for (int k = 0; k < 2; k++) {
		struct buf all = {0};

		buf_addc(&head[k], '}');
		for (int i = 0; i < 8; i++)
			buf_addc(&all, (char)((uint64_t)head[k].len >> 8 * i & 255));
		buf_add(&all, head[k].data, head[k].len);
		buf_add(&all, data[k].data, data[k].len);
		snprintf(path, sizeof path, "%s/model-%05d-of-00002.safetensors", dir, k + 1);
		put_file(path, all.data, all.len);
		buf_release(&all);
		buf_release(&head[k]);
		buf_release(&data[k]);
	}
	buf_release(&map);
}

static void shards(void)
{
	static const char index[] = "model.safetensors.index.json",
	                  name[] = "\"model-00001-of-00002.safetensors\"";
	struct model_config c;
	struct import *im;
	struct vocab v;

	vocab_bytes(&v);
	c = tiny_config(ARCH_LLAMA, (uint32_t)v.n);
	for (int wide = 0; wide < 2; wide++) {
		const char *dir = wide ? "shards32" : "shards";

		write_model(dir, &c, &v);
		split(dir, wide);
		ok(!import_open(at(dir), &im, &e) && !tiny_differ(im), "two files%s: same tensors",
		   wide ? ", some F32" : "");
		import_close(im);
	}
	vocab_release(&v);
	put_file("model-00001-of-00002.safetensors", "", 0);
	changed("shards", index, name, "\"../model-00001-of-00002.safetensors\"",
	        "not a plain file name", "a file outside");
	changed("shards", index, name, "\"/etc/passwd\"", "not a plain file name", "an absolute path");
	changed("shards", index, name, "\"..\"", "not a plain file name", "the folder above");
	changed("shards", index, name, "\"\"", "not a plain file name", "no name");
	changed("shards", index, name, "7", "not a plain file name", "a number");
	changed("shards", index, name, "\"none.safetensors\"", "none.safetensors: No such file",
	        "a file that is not there");
	changed("shards", index, name, "\"config.json\"", "config.json: ", "a file of another kind");
	changed("shards", index, name, "\"model-00002-of-00002.safetensors\"",
	        "is missing, though the index lists it", "a tensor in another file");
	changed("shards", index, "\"weight_map\"", "\"map\"", "weight_map: expected an object",
	        "no weight_map");
	changed("shards", index, "\"lm_head.weight\":\"model-00001-of-00002.safetensors\",", "",
	        "the index names 20 tensors, the files hold 21",
	        "a tensor that the index does not name");
	unlink(at("shards/model.safetensors.index.json"));
	fails(opens("shards"), "neither model.safetensors nor", "no index");
}

/* ---- tokenizer.json ---- */

static void tokenizers(void)
{
	static const struct { const char *from, *to, *want; } cases[] = {
		{"\"type\":\"BPE\"", "\"type\":\"Unigram\"", "tokenizer model 'Unigram' is not supported"},
		{"\"normalizer\":null", "\"normalizer\":{\"type\":\"Lowercase\"}",
		 "normalizer is not supported: {\"type\":\"Lowercase\""},
		{"\"individual_digits\":true", "\"individual_digits\":false",
		 "pre_tokenizer is not supported"},
		{"\"type\":\"Digits\"", "\"type\":\"Punctuation\"", "pre_tokenizer is not supported"},
		{"\"add_prefix_space\":false,\"trim_offsets\":true,\"use_regex\":true}]",
		 "\"add_prefix_space\":true}]", "add_prefix_space"},
		{"\"dropout\":null", "\"dropout\":0.1", "model.dropout is not supported"},
		{"\"end_of_word_suffix\":null", "\"end_of_word_suffix\":\"</w>\"",
		 "model.end_of_word_suffix is not supported"},
		{"\"hell\":258", "\"hell\":257", "have the same id 257"},
		{"\"hell\":258", "\"hell\":-1", "model.vocab: 'hell': "},
		{"\"hell\":258", "\"hell\":70000.5", "model.vocab: 'hell': "},
		{"\"hell\":258", "\"hell\":16000000", "only 263 tokens"},
		{"\"hell\":258", "\"hell\":300", "the embedding has only 263 rows"},
		{"[\"he\",\"ll\"]", "\"hell\"", "model.merges[2]: expected two pieces"},
		{"[\"he\",\"ll\"]", "[\"he\"]", "model.merges[2]: expected"},
		{"[\"he\",\"ll\"]", "[\"he\",\"l l\"]", "model.merges[2]: expected two pieces"},
		{"\"id\":262,", "\"id\":16777216,", "added_tokens[3]: expected id"},
		{"\"content\":\"<tool>\"", "\"content\":\"<rool>\"", "have the same id 262"},
		{"[\"he\",\"ll\"]", "[\"he\",\"he\"]", "merge 2 ('he he'): the result is not a token"},
		{"\"content\":\"<tool>\",\"single_word\":false",
		 "\"content\":\"<tool>\",\"single_word\":true",
		 "added_tokens[3]: lstrip, rstrip and single_word are not supported"},
		{"\"content\":\"<|im_end|>\",\"single_word\":false,\"lstrip\":false",
		 "\"content\":\"<|im_end|>\",\"single_word\":false,\"lstrip\":true",
		 "token '<|im_end|>': lstrip and rstrip are not supported"},
		{"\"merges\":", "\"herges\":", "model.merges: expected an array"},
		{"\"vocab\":", "\"wocab\":", "model.vocab: expected an object"},
	};
	struct model_config c;
	struct vocab v, got;
	struct buf path = {0};

	tiny_bpe(&v, TOK_PRE_SMOLLM);
	c = tiny_config(ARCH_LLAMA, (uint32_t)v.n);
	write_model("toks", &c, &v);
	for (size_t i = 0; i < LEN(cases); i++)
		changed("toks", "tokenizer.json", cases[i].from, cases[i].to, cases[i].want, cases[i].to);
	swap_text("toks/config.json", "\"vocab_size\":263", "\"vocab_size\":16000000");
	fails(import_vocab_open(at("toks"), &got, &e), "263 tokens for an embedding of 16000000 rows",
	      "rows without end");
	swap_back("toks/config.json");
	swap_text("toks/tokenizer.json", "[\"he\",\"ll\"]", "\"he ll\"");
	ok(!import_vocab_open(at("toks"), &got, &e) && same_vocab(&got, &v), "merges as strings");
	vocab_release(&got);
	swap_back("toks/tokenizer.json");
	swap_text("toks/tokenizer.json", "\"special\":false", "\"special\":true");
	ok(!import_vocab_open(at("toks"), &got, &e) && got.tokens[262].type == TOK_CONTROL,
	   "a special token is a control token");
	vocab_release(&got);
	swap_back("toks/tokenizer.json");
	ok(!import_vocab_open(at("toks/tokenizer.json"), &got, &e) && got.n == 263 &&
	       same_ids(&got, &v, "hello 12 <|im_end|>"),
	   "tokenizer.json alone");
	vocab_release(&got);
	changed("toks", "tokenizer_config.json", "\"score.chat\":\"chatml\"", "\"score.chat\":\"x\"",
	        "chat format 'x' is not known", "chat");
	changed("toks", "tokenizer_config.json", "\"eos_token\":\"", "\"eos_token\":[],\"e\":\"",
	        "eos_token: expected", "an end that is a list");
	put_text("toks/chat_template.jinja", "<|im_start|><|im_end|>");
	ok(!import_vocab_open(at("toks"), &got, &e) &&
	       !strcmp(got.chat_template, "<|im_start|><|im_end|>"),
	   "chat_template.jinja goes first");
	vocab_release(&got);
	buf_release(&path);
	vocab_release(&v);
}

/* What generation_config.json and tokenizer_config.json of others say, without this project's own
 * keys. */
static void foreign(void)
{
	struct model_config c;
	struct vocab v, got;

	tiny_bpe(&v, TOK_PRE_QWEN2);
	c = tiny_config(ARCH_QWEN2, (uint32_t)v.n);
	write_model("foreign", &c, &v);
	vocab_release(&v);
	put_text("foreign/tokenizer_config.json",
	         "{\"bos_token\":{\"content\":\"<|im_start|>\"},\"eos_token\":\"<|endoftext|>\","
	         "\"chat_template\":[{\"name\":\"tools\",\"template\":\"x\"},{\"name\":\"default\","
	         "\"template\":\"<|im_start|>y<|im_end|>\"}]}");
	put_text("foreign/generation_config.json", "{\"eos_token_id\":[261,259]}");
	ok(!import_vocab_open(at("foreign"), &got, &e), "read: %s", e.msg);
	ok(got.bos == 260 && got.eos == 259 && !got.add_bos, "bos and eos by their texts");
	ok(got.n_ends == 2 && got.ends[0] == 259 && got.ends[1] == 261,
	   "eos first, then what the generation stops at");
	ok(!strcmp(got.chat, "chatml") && !strcmp(got.chat_template, "<|im_start|>y<|im_end|>"),
	   "the default template, recognised");
	vocab_release(&got);
	unlink(at("foreign/tokenizer_config.json"));
	put_text("foreign/generation_config.json", "{\"eos_token_id\":259}");
	swap_text("foreign/config.json", "\"eos_token_id\":261", "\"eos_token_id\":259");
	ok(!import_vocab_open(at("foreign"), &got, &e) && !strcmp(got.chat, "plain") &&
	       got.eos == 259 && got.n_ends == 2,
	   "without a template and with eos alone: a base model, plain");
	vocab_release(&got);
	buf_release(&saved);
}

int main(void)
{
	scratch_make();
	round_trips();
	targets();
	configurations();
	layouts();
	traits();
	st_cases();
	truncated();
	shards();
	tokenizers();
	foreign();
	return done();
}
