/* SPDX-License-Identifier: MIT */
/* The table of architectures, one row each, and the table of their tensors. */
#include "model/arch.h"

#include <stdio.h>
#include <string.h>

#define SILU "hidden_act", "silu"

static const struct arch_row rows[ARCHS] = {
	[ARCH_LLAMA] = {
		"llama", "llama", "LlamaForCausalLM", "llama", SILU,
		NORMS_BEFORE | GGUF_PAIRS, .theta = 10000, .eps = 1e-6,
	},
	[ARCH_QWEN2] = {
		"qwen2", "qwen2", "Qwen2ForCausalLM", "qwen2", SILU,
		NORMS_BEFORE | QKV_BIAS, .theta = 10000, .eps = 1e-6,
	},
	[ARCH_QWEN3] = {
		"qwen3", "qwen3", "Qwen3ForCausalLM", "qwen3", SILU,
		NORMS_BEFORE | NORMS_QK, .theta = 10000, .eps = 1e-6, .head_size = 128,
	},
	[ARCH_GEMMA3] = {
		"gemma3", "gemma3", "Gemma3ForCausalLM", "gemma3_text",
		"hidden_activation", "gelu_pytorch_tanh",
		NORMS_BEFORE | NORMS_AFTER | NORMS_QK | NORMS_PLUS_ONE | GELU | EMBED_SCALED |
		WINDOWS, .theta = 1000000, .eps = 1e-6, .head_size = 256, .tied = 1,
	},
	/* all layers have a window if the model's files give one */
	[ARCH_MISTRAL] = {
		"mistral", "llama", "MistralForCausalLM", "mistral", SILU,
		NORMS_BEFORE | WINDOW | GGUF_PAIRS, .theta = 10000, .eps = 1e-6, .kv_heads = 8,
	},
	[ARCH_OLMO2] = {
		"olmo2", "olmo2", "Olmo2ForCausalLM", "olmo2", SILU,
		NORMS_AFTER | NORMS_QK | NORMS_WHOLE, .theta = 10000, .eps = 1e-5,
	},
	[ARCH_SMOLLM3] = {
		"smollm3", "smollm3", "SmolLM3ForCausalLM", "smollm3", SILU,
		NORMS_BEFORE | NO_ROPE_LAYERS | GGUF_PAIRS, .theta = 2000000, .eps = 1e-6,
		.kv_heads = 4, .tied = 1, .pad = 128004,
	},
};

static const struct arch_tensor before[] = {
	{"token_embd.weight", "model.embed_tokens.weight", SIZE_V, SIZE_D, 0, 0, ROLE_EMBED, 0},
}, layer[] = {
	{"attn_norm.weight", "input_layernorm.weight",
	 SIZE_D, SIZE_NONE, NORMS_BEFORE, 0, ROLE_NORM, NORM_ATTN},
	{"attn_q.weight", "self_attn.q_proj.weight",
	 SIZE_HS, SIZE_D, 0, 0, ROLE_MATRIX, W_Q},
	{"attn_k.weight", "self_attn.k_proj.weight",
	 SIZE_GS, SIZE_D, 0, 0, ROLE_MATRIX, W_K},
	{"attn_v.weight", "self_attn.v_proj.weight",
	 SIZE_GS, SIZE_D, 0, 0, ROLE_MATRIX, W_V},
	{"attn_q.bias", "self_attn.q_proj.bias",
	 SIZE_HS, SIZE_NONE, QKV_BIAS, 0, ROLE_BIAS, W_Q},
	{"attn_k.bias", "self_attn.k_proj.bias",
	 SIZE_GS, SIZE_NONE, QKV_BIAS, 0, ROLE_BIAS, W_K},
	{"attn_v.bias", "self_attn.v_proj.bias",
	 SIZE_GS, SIZE_NONE, QKV_BIAS, 0, ROLE_BIAS, W_V},
	{"attn_q_norm.weight", "self_attn.q_norm.weight",
	 SIZE_NORM_Q, SIZE_NONE, NORMS_QK, 0, ROLE_NORM, NORM_Q},
	{"attn_k_norm.weight", "self_attn.k_norm.weight",
	 SIZE_NORM_K, SIZE_NONE, NORMS_QK, 0, ROLE_NORM, NORM_K},
	{"attn_output.weight", "self_attn.o_proj.weight",
	 SIZE_D, SIZE_HS, 0, 0, ROLE_MATRIX, W_O},
	{"post_attention_norm.weight", "post_attention_layernorm.weight",
	 SIZE_D, SIZE_NONE, NORMS_AFTER, 0, ROLE_NORM, NORM_POST_ATTN},
	/* Despite its name in Hugging Face, this is the norm of the feed-forward's input. */
	{"ffn_norm.weight", "post_attention_layernorm.weight",
	 SIZE_D, SIZE_NONE, NORMS_BEFORE, NORMS_AFTER, ROLE_NORM, NORM_FFN},
	{"ffn_norm.weight", "pre_feedforward_layernorm.weight",
	 SIZE_D, SIZE_NONE, NORMS_BEFORE | NORMS_AFTER, 0, ROLE_NORM, NORM_FFN},
	{"ffn_gate.weight", "mlp.gate_proj.weight",
	 SIZE_F, SIZE_D, 0, 0, ROLE_MATRIX, W_GATE},
	{"ffn_up.weight", "mlp.up_proj.weight",
	 SIZE_F, SIZE_D, 0, 0, ROLE_MATRIX, W_UP},
	{"ffn_down.weight", "mlp.down_proj.weight",
	 SIZE_D, SIZE_F, 0, 0, ROLE_MATRIX, W_DOWN},
	{"post_ffw_norm.weight", "post_feedforward_layernorm.weight",
	 SIZE_D, SIZE_NONE, NORMS_AFTER, 0, ROLE_NORM, NORM_POST_FFN},
}, after[] = {
	{"output_norm.weight", "model.norm.weight", SIZE_D, SIZE_NONE, 0, 0, ROLE_NORM, NORM_FINAL},
	{"output.weight", "lm_head.weight", SIZE_V, SIZE_D, NOT_TIED, 0, ROLE_HEAD, 0},
};

const struct arch_row *arch_row(enum arch a)
{
	return &rows[a];
}

const char *arch_name(enum arch a)
{
	return a >= ARCH_LLAMA && a < ARCHS ? rows[a].name : "unknown";
}

enum arch arch_by_name(const char *name)
{
	for (int a = ARCH_LLAMA; a < ARCHS; a++)
		if (!strcmp(name, rows[a].name))
			return a;
	return 0;
}

enum arch arch_by_gguf(const char *name)
{
	for (int a = ARCH_LLAMA; a < ARCHS; a++)
		if (!strcmp(name, rows[a].gguf))
			return a;
	return 0;
}

const char *arch_list(void)
{
	static char list[256];
	size_t n = 0;

	for (int a = ARCH_LLAMA; a < ARCHS; a++)
		n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", n ? ", " : "",
		                      rows[a].name);
	return list;
}

const struct arch_tensor *arch_tensors(enum tensor_place p, size_t *n)
{
	*n = p == BEFORE_LAYERS ? LEN(before) : p == IN_LAYER ? LEN(layer) : LEN(after);
	return p == BEFORE_LAYERS ? before : p == IN_LAYER ? layer : after;
}
