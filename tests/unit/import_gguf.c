/* SPDX-License-Identifier: MIT */
/* GGUF: what is written is read back bit for bit; whatever a file may claim wrongly is an error
 * that says so. */
#include "unit/import_fixture.h"

#include "import/gguf.h"
#include "import/quant.h"

static const enum arch archs[] = {
	ARCH_LLAMA, ARCH_QWEN2, ARCH_QWEN3, ARCH_GEMMA3, ARCH_OLMO2, ARCH_SMOLLM3,
};

/* ---- round trips ---- */

static void round_trip(enum arch a, const struct vocab *v, const char *what)
{
	struct model_config c = tiny_config(a, (uint32_t)v->n);
	struct buf scratch_tensor = {0}, first, second;
	struct import *im;

	ok(!export_gguf(at("a.gguf"), &c, v, tiny_get, &scratch_tensor, &e), "%s, %s: written",
	   arch_name(a), what);
	if (!ok(!import_open(at("a.gguf"), &im, &e), "%s, %s: read", arch_name(a), what)) {
		diag("%s", e.msg);
		goto out;
	}
	ok(same_config(import_config(im), &c), "%s, %s: same configuration", arch_name(a), what);
	ok(same_vocab(import_vocab(im), v), "%s, %s: same vocabulary", arch_name(a), what);
	ok(!tiny_differ(im), "%s, %s: same tensors", arch_name(a), what);
	ok(!export_gguf(at("b.gguf"), import_config(im), import_vocab(im), tiny_get, &scratch_tensor,
	                &e),
	   "%s, %s: written again", arch_name(a), what);
	import_close(im);
	first = get_file("a.gguf");
	second = get_file("b.gguf");
	ok(first.len == second.len && !memcmp(first.data, second.data, first.len),
	   "%s, %s: the same file", arch_name(a), what);
	buf_release(&first);
	buf_release(&second);
out:
	buf_release(&scratch_tensor);
}

static void round_trips(void)
{
	static const enum tok_pre pres[] = {TOK_PRE_GPT2, TOK_PRE_SMOLLM, TOK_PRE_QWEN2,
	                                    TOK_PRE_LLAMA_BPE};
	struct vocab v;

	vocab_bytes(&v);
	for (size_t i = 0; i < LEN(archs); i++)
		round_trip(archs[i], &v, "bytes");
	vocab_release(&v);
	for (size_t i = 0; i < LEN(pres); i++) {
		tiny_bpe(&v, pres[i]);
		round_trip(ARCH_LLAMA, &v, tok_pre_name(pres[i]));
		vocab_release(&v);
	}
	tiny_spm(&v);
	round_trip(ARCH_GEMMA3, &v, "spm");
	vocab_release(&v);
}

/* Rope scalings are stored as divisors: any of them must come back as one that gives the same. */
static void rope_scalings(void)
{
	static const struct { double theta, factor, low, high; uint32_t orig, head; } cases[] = {
		{500000, 8, 1, 4, 8192, 128}, {500000, 32, 1, 4, 8192, 64}, {10000, 4, 1, 4, 2048, 64},
		{10000, 16, 1, 8, 4096, 64}, {500000, 2, 1, 2.5, 1000, 128}, {100, 4, 1, 4, 32, 8},
	};
	struct buf tensor = {0};
	struct vocab v;

	vocab_bytes(&v);
	for (size_t i = 0; i < LEN(cases); i++) {
		struct model_config c = tiny_config(ARCH_LLAMA, (uint32_t)v.n);
		struct import *im;

		c.rope_theta = cases[i].theta;
		c.rope_factor = cases[i].factor;
		c.rope_low = cases[i].low;
		c.rope_high = cases[i].high;
		c.rope_orig = cases[i].orig;
		c.head_size = cases[i].head;
		ok(!export_gguf(at("r.gguf"), &c, &v, tiny_get, &tensor, &e) &&
		       !import_open(at("r.gguf"), &im, &e) && same_config(import_config(im), &c),
		   "rope scaling %zu comes back", i);
		import_close(im);
	}
	buf_release(&tensor);
	vocab_release(&v);
}

/* ---- files made by hand ---- */

static struct buf f;

static void u32(uint32_t x)
{
	unsigned char p[4] = {x & 255, x >> 8 & 255, x >> 16 & 255, x >> 24};

	buf_add(&f, p, 4);
}

static void u64(uint64_t x)
{
	u32((uint32_t)x);
	u32((uint32_t)(x >> 32));
}

static void str(const char *s)
{
	u64(strlen(s));
	buf_adds(&f, s);
}

static void head(uint32_t version, uint64_t tensors, uint64_t keys)
{
	buf_clear(&f);
	buf_adds(&f, "GGUF");
	u32(version);
	u64(tensors);
	u64(keys);
}

static void key_u32(const char *name, uint32_t x)
{
	str(name);
	u32(GGUF_U32);
	u32(x);
}

static void tensor(const char *name, uint32_t rank, uint64_t a, uint64_t b, uint32_t type,
                   uint64_t offset)
{
	str(name);
	u32(rank);
	if (rank > 0)
		u64(a);
	if (rank > 1)
		u64(b);
	for (uint32_t i = 2; i < rank && i < 8; i++)
		u64(1);
	u32(type);
	u64(offset);
}

/* n bytes of data after padding to 32. */
static void data(size_t n)
{
	while (f.len % 32)
		buf_addc(&f, 0);
	for (size_t i = 0; i < n; i++)
		buf_addc(&f, 0);
}

static int opens(void)
{
	struct gguf g;
	int rc;

	put_file("hand.gguf", f.data, f.len);
	rc = gguf_open(at("hand.gguf"), &g, &e);
	if (!rc)
		gguf_close(&g);
	return rc;
}

static void refused(const char *want, const char *name)
{
	fails(opens(), want, name);
}

static void structure(void)
{
	put_file("hand.gguf", "", 0);
	fails(import_open(at("hand.gguf"), &(struct import *){0}, &e), "end of the file",
	      "an empty file");
	head(3, 0, 0);
	memcpy(f.data, "GGML", 4);
	refused("not a GGUF file", "another magic");
	head(1, 0, 0);
	refused("version 1", "version 1");
	head(4, 0, 0);
	refused("version 4", "version 4");
	head(3u << 24, 0, 0);
	refused("big-endian", "big-endian");
	head(3, 0, UINT64_MAX);
	refused("end of the file", "absurd number of keys");
	head(3, UINT64_MAX, 0);
	refused("end of the file", "absurd number of tensors");
	head(3, 0, 1);
	u64(UINT64_MAX - 3);
	refused("end of the file", "a name as long as the address space");
	head(3, 0, 1);
	str("");
	u32(GGUF_U8);
	buf_addc(&f, 0);
	refused("name is empty", "an empty name");
	head(3, 0, 1);
	str("k");
	u32(13);
	u64(0);
	refused("unknown value type", "an unknown value type");
	head(3, 0, 2);
	key_u32("twice", 1);
	key_u32("twice", 2);
	refused("key twice appears twice", "the same key twice");
	head(2, 0, 1);
	key_u32("general.alignment", 24);
	refused("power of two", "an odd alignment");
	head(3, 0, 1);
	str("general.alignment");
	u32(GGUF_STRING);
	str("32");
	refused("expected a whole number", "alignment of another type");
	head(3, 0, 0);
	ok(!opens(), "version 3 without anything is a file");
	head(2, 0, 0);
	ok(!opens(), "so it is as version 2");
}

static void arrays(void)
{
	head(3, 0, 1);
	str("k");
	u32(GGUF_ARRAY);
	u32(GGUF_U64);
	u64(UINT64_MAX / 8 + 2);
	refused("end of the file", "an array whose bytes overflow");
	head(3, 0, 1);
	str("k");
	u32(GGUF_ARRAY);
	u32(99);
	u64(0);
	refused("unknown type", "an array of an unknown type");
	head(3, 0, 1);
	str("k");
	u32(GGUF_ARRAY);
	u32(GGUF_STRING);
	u64(UINT64_MAX);
	refused("end of the file", "an array of strings that ends early");
	for (int depth = 1; depth < 40; depth += 31) {
		head(3, 0, 1);
		str("k");
		u32(GGUF_ARRAY);
		for (int i = 0; i < depth; i++) {
			u32(GGUF_ARRAY);
			u64(1);
		}
		u32(GGUF_U8);
		u64(1);
		buf_addc(&f, 7);
		if (depth == 1)
			ok(!opens(), "an array in an array is skipped");
		else
			refused("nested too deep", "arrays nested without end");
	}
}

static void tensors(void)
{
	static const struct {
		const char *name;
		uint32_t rank;
		uint64_t a, b;
		uint32_t type;
		uint64_t offset;
		size_t data;
		const char *want;
	} cases[] = {
		{"no dimensions", 0, 0, 0, GGML_F32, 0, 64, "within 1..4"},
		{"five dimensions", 5, 1, 1, GGML_F32, 0, 64, "within 1..4"},
		{"a zero dimension", 2, 8, 0, GGML_F32, 0, 64, "dimension is 0"},
		{"a product that overflows", 2, UINT64_C(1) << 33, UINT64_C(1) << 33, GGML_F32, 0, 64,
		 "overflow"},
		{"bytes that overflow", 2, UINT64_C(1) << 61, 2, GGML_F32, 0, 64, "overflow"},
		{"blocks that overflow", 1, UINT64_C(0x7fffffffffffffe0), 0, GGML_Q8_0, 0, 64, "overflow"},
		{"rows of broken blocks", 2, 33, 2, GGML_Q4_0, 0, 64, "whole blocks"},
		{"a type that is not supported", 1, 256, 0, 17, 0, 512,
		 "type IQ2_XS (17) is not supported"},
		{"a type that does not exist", 1, 256, 0, 4711, 0, 512, "type unknown (4711)"},
		{"an offset that is not aligned", 1, 4, 0, GGML_F32, 8, 64, "not aligned"},
		{"an offset beyond the file", 1, 4, 0, GGML_F32, 1 << 20, 64, "end of the file"},
		{"an offset that wraps", 1, 4, 0, GGML_F32, UINT64_MAX - 31, 64, "end of the file"},
		{"data cut short", 1, 17, 0, GGML_F32, 0, 64, "tensor t: data (68 bytes"},
	};

	for (size_t i = 0; i < LEN(cases); i++) {
		head(3, 1, 0);
		tensor("t", cases[i].rank, cases[i].a, cases[i].b, cases[i].type, cases[i].offset);
		data(cases[i].data);
		refused(cases[i].want, cases[i].name);
	}
	head(3, 2, 0);
	tensor("a", 1, 16, 0, GGML_F32, 0);
	tensor("b", 1, 16, 0, GGML_F32, 32);
	data(128);
	refused("tensors a and b overlap", "tensors that overlap");
	head(3, 2, 0);
	tensor("a", 1, 4, 0, GGML_F32, 0);
	tensor("a", 1, 4, 0, GGML_F32, 32);
	data(128);
	refused("tensor a appears twice", "the same tensor twice");
	head(3, 1, 0);
	tensor("t", 1, 16, 0, GGML_F32, 0);
	refused("end of the file", "no data at all");
	head(3, 1, 0);
	tensor("t", 2, 32, 2, GGML_Q4_0, 32);
	data(32 + 36);
	ok(!opens(), "a gap and a last block without padding are fine");
}

/* ---- a whole model, changed in one place ---- */

/* The bytes of a tiny model; name's value starts right after its key's type. */
static void tiny_model(enum arch a)
{
	struct buf t = {0};
	struct model_config c;
	struct vocab v;

	tiny_bpe(&v, TOK_PRE_GPT2);
	c = tiny_config(a, (uint32_t)v.n);
	if (export_gguf(at("m.gguf"), &c, &v, tiny_get, &t, &e))
		die(EXIT_ERROR, "%s", e.msg);
	vocab_release(&v);
	buf_release(&t);
	buf_release(&f);
	f = get_file("m.gguf");
}

/* The place of a string in the file. */
static char *place(const char *s)
{
	char *p = memmem(f.data, f.len, s, strlen(s));

	if (!p)
		die(EXIT_ERROR, "%s is not in the file", s);
	return p;
}

static int imports(void)
{
	struct import *im = NULL;
	int rc;

	put_file("changed.gguf", f.data, f.len);
	rc = import_open(at("changed.gguf"), &im, &e);
	for (size_t i = 0; !rc && i < model_params(import_config(im)); i++) {
		struct param p;
		uint16_t *x;

		model_param(import_config(im), i, &p);
		x = xmalloc(p.rows * p.cols * sizeof *x);
		rc = import_param(im, i, x, &e);
		free(x);
	}
	import_close(im);
	return rc;
}

/* Replaces text by text of the same length somewhere in a tiny model. */
static void changed(enum arch a, const char *from, const char *to, const char *want,
                    const char *name)
{
	tiny_model(a);
	memcpy(place(from), to, strlen(to));
	fails(imports(), want, name);
}

/* Sets the 32-bit value of a key. */
static void set_key(enum arch a, const char *key, uint32_t value, const char *want,
                    const char *name)
{
	char *p;

	tiny_model(a);
	p = place(key) + strlen(key) + 4;
	memcpy(p, (unsigned char[]){value & 255, value >> 8 & 255, value >> 16 & 255, value >> 24}, 4);
	fails(imports(), want, name);
}

/* Puts one more key into a tiny model (f holds the key afterwards), and a filler that keeps what
 * follows aligned. */
static void more_key(enum arch a, const char *want, const char *name)
{
	struct buf key = f, all = {0};
	size_t filler;

	f = (struct buf){0};
	tiny_model(a);
	all = f;
	f = (struct buf){0};
	buf_add(&f, all.data, 16);
	u64(le64((unsigned char *)all.data + 16) + 2);
	buf_add(&f, key.data, key.len);
	str("filler");
	u32(GGUF_STRING);
	filler = (32 - (f.len + 8 - 24) % 32) % 32;
	u64(filler);
	for (size_t i = 0; i < filler; i++)
		buf_addc(&f, 'x');
	buf_add(&f, all.data + 24, all.len - 24);
	buf_release(&key);
	buf_release(&all);
	if (want)
		fails(imports(), want, name);
	else
		ok(!imports(), "%s", name);
	buf_clear(&f);
}

static void key_f32(const char *name, float x)
{
	str(name);
	u32(GGUF_F32);
	u32(bits_of_f32(x));
}

static void key_str(const char *name, const char *value)
{
	str(name);
	u32(GGUF_STRING);
	str(value);
}

/* What this project's model would compute otherwise is refused. */
static void extras(void)
{
	buf_clear(&f);
	key_u32("something.else", 1);
	more_key(ARCH_LLAMA, NULL, "a key of no meaning is ignored");
	key_u32("llama.expert_count", 8);
	more_key(ARCH_LLAMA, "llama.expert_count: not supported", "experts");
	key_u32("llama.expert_count", 0);
	more_key(ARCH_LLAMA, NULL, "no experts");
	key_f32("gemma3.final_logit_softcapping", 30);
	more_key(ARCH_GEMMA3, "final_logit_softcapping: not supported", "capped logits");
	key_str("llama.rope.scaling.type", "yarn");
	more_key(ARCH_LLAMA, "rope scaling 'yarn' is not supported", "YaRN");
	key_f32("llama.rope.scale_linear", __builtin_nanf(""));
	more_key(ARCH_LLAMA, "expected a finite number", "a scale that is not a number");
	key_u32("split.count", 3);
	more_key(ARCH_LLAMA, "3 parts", "one part of a split file");
	str("llama.attention.causal");
	u32(GGUF_BOOL);
	buf_addc(&f, 0);
	more_key(ARCH_LLAMA, "not causal", "an encoder");
	str("gemma3.attention.sliding_window_pattern");
	u32(GGUF_ARRAY);
	u32(GGUF_BOOL);
	u64(2);
	buf_addc(&f, 0);
	buf_addc(&f, 1);
	more_key(ARCH_GEMMA3, "not a regular pattern", "an irregular window");
	key_str("score.chat", "morse");
	more_key(ARCH_LLAMA, "score.chat appears twice", "a key that is there");
}

static void models(void)
{
	tiny_model(ARCH_LLAMA);
	memcpy(place("general.architecture") + 20 + 4 + 8, "bloom", 5);
	fails(imports(), "architecture 'bloom' is not supported", "another architecture");
	changed(ARCH_LLAMA, "llama.block_count", "llama.block_kount",
	        "key llama.block_count is missing", "a key is missing");
	changed(ARCH_LLAMA, "blk.1.attn_q.weight", "blk.1.attn_w.weight",
	        "tensor blk.1.attn_q.weight is missing", "a tensor is missing");
	changed(ARCH_QWEN2, "qwen2.context_length", "qwen2.context_lengxh",
	        "qwen2.context_length is missing", "a missing length");
	set_key(ARCH_LLAMA, "llama.block_count", 3, "tensor blk.2.attn_norm.weight is missing",
	        "more layers than there are");
	set_key(ARCH_LLAMA, "llama.block_count", UINT32_MAX, "layers", "absurdly many layers");
	set_key(ARCH_LLAMA, "llama.block_count", 1, "blk.1.", "fewer layers than there are");
	set_key(ARCH_LLAMA, "llama.embedding_length", 0, "width", "no width");
	set_key(ARCH_LLAMA, "llama.attention.head_count", 0, "no heads", "no heads");
	set_key(ARCH_LLAMA, "llama.attention.head_count_kv", 3, "kv_heads", "heads that do not divide");
	set_key(ARCH_LLAMA, "llama.feed_forward_length", 25, "shape",
	        "another shape than the keys say");
	set_key(ARCH_LLAMA, "llama.rope.dimension_count", 4, "rope on 4 of 8",
	        "rope on part of a head");
	set_key(ARCH_LLAMA, "llama.attention.value_length", 16, "differ", "values wider than keys");
}

static void tokenizers(void)
{
	char *p;

	set_key(ARCH_LLAMA, "tokenizer.ggml.eos_token_id", 5000, "eos id 5000",
	        "an end token that does not exist");
	set_key(ARCH_LLAMA, "tokenizer.ggml.bos_token_id", UINT32_MAX - 1, "is no token",
	        "a bos that is no id");
	tiny_model(ARCH_LLAMA);
	memcpy(place("tokenizer.ggml.model") + 20 + 4 + 8, "bert", 4);
	fails(imports(), "tokenizer 'bert' is not supported", "another tokenizer");
	tiny_model(ARCH_LLAMA);
	memcpy(place("tokenizer.ggml.pre") + 18 + 4 + 8, "xpt-2", 5);
	fails(imports(), "'xpt-2'", "another pre-tokenization");
	tiny_model(ARCH_LLAMA);
	memcpy(place("tokenizer.ggml.pre") + 18 + 4 + 8, "phi-2", 5);
	ok(!imports(), "another name for gpt-2");
	changed(ARCH_LLAMA, "tokenizer.ggml.merges", "tokenizer.ggml.mergex", "no merges", "no merges");
	changed(ARCH_LLAMA, "tokenizer.ggml.tokens", "tokenizer.ggml.tokenx",
	        "tokenizer.ggml.tokens is missing", "no tokens");
	changed(ARCH_LLAMA, "he ll", "hexll", "'hexll' is not two pieces", "a merge of one piece");
	changed(ARCH_LLAMA, "he ll", "h  ll", "is not two pieces", "a merge of three pieces");
	changed(ARCH_LLAMA, "<|im_end|>", "<|im\xff" "end|>", "not UTF-8", "a token that is no text");
	tiny_model(ARCH_LLAMA);
	memcpy(place("hell"), "he\0l", 4);
	fails(imports(), "not UTF-8", "a token with a NUL in it");
	set_key(ARCH_LLAMA, "tokenizer.ggml.token_type", GGUF_F32,
	        "expected an array of 32-bit integers", "types of another kind");
	tiny_model(ARCH_LLAMA);
	p = place("tokenizer.ggml.token_type") + 25 + 4 + 4 + 8;
	*p = 9;
	fails(imports(), "token 0: unknown type 9", "a token of an unknown type");
}

/* Values that bf16 cannot hold are named. */
static void values(void)
{
	uint32_t bad[] = {0x7fc00000, 0x7f800000, 0xff7fffff};
	struct gguf g;
	size_t where;

	for (size_t i = 0; i < LEN(bad); i++) {
		tiny_model(ARCH_LLAMA);
		if (gguf_open(at("m.gguf"), &g, &e))
			die(EXIT_ERROR, "%s", e.msg);
		where = gguf_tensor(&g, "output_norm.weight")->at + 4 * 5;
		gguf_close(&g);
		memcpy(f.data + where, &bad[i], 4);
		fails(imports(), "tensor output_norm.weight: value 5", "a value that is not finite");
	}
	tiny_model(ARCH_LLAMA);
	if (gguf_open(at("m.gguf"), &g, &e))
		die(EXIT_ERROR, "%s", e.msg);
	where = gguf_tensor(&g, "rope_freqs.weight")->at;
	gguf_close(&g);
	memset(f.data + where, 0, 4);
	fails(imports(), "rope_freqs.weight: divisor 0 is 0", "a divisor of 0");
	memcpy(f.data + where, "\0\0\x40\x40", 4);      /* 3, below later ones that are 1 */
	fails(imports(), "not a Llama 3 rope scaling", "divisors of another law");
}

/* No prefix of a model is a model, down to the last byte of the last tensor. */
static void truncated(enum arch a)
{
	size_t passed = 0, last = 0;
	struct gguf g;

	tiny_model(a);
	if (gguf_open(at("m.gguf"), &g, &e))
		die(EXIT_ERROR, "%s", e.msg);
	for (size_t i = 0; i < g.n_tensors; i++)
		if (g.tensors[i].at + g.tensors[i].bytes > last)
			last = g.tensors[i].at + g.tensors[i].bytes;
	gguf_close(&g);
	for (size_t n = last; n-- > 0;) {
		if (truncate(at("m.gguf"), (off_t)n))
			die(EXIT_ERROR, "truncate");
		struct import *im = NULL;

		passed += !import_open(at("m.gguf"), &im, &e);
		import_close(im);
	}
	ok(!passed, "%s: all %zu shorter files are refused", arch_name(a), last);
}

int main(void)
{
	scratch_make();
	round_trips();
	rope_scalings();
	structure();
	arrays();
	tensors();
	models();
	extras();
	tokenizers();
	values();
	truncated(ARCH_LLAMA);
	truncated(ARCH_GEMMA3);
	buf_release(&f);
	return done();
}
