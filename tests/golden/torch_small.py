#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes tests/golden/torch/ARCH.{txt,bin}: two-layer models, their log-probabilities and gradients
by PyTorch.

usage: torch_small.py OUTDIR [ARCH...]     (PyPI: torch transformers)

ARCH.txt is the configuration as lib/model/config.h writes it, then "versions ..." as a comment in
VERSIONS. ARCH.bin holds, little endian: int32 T; int32 tokens[T]; float32 logp[T-1] (log p of token
t+1); then for each parameter in model_param's order bf16 values, then in the same order bf16
gradients of sum(logp). Computed in float32 from weights that are bf16 numbers.
"""
import struct, sys
import torch, transformers
from transformers import (Gemma3ForCausalLM, Gemma3TextConfig, LlamaConfig, LlamaForCausalLM,
                          MistralConfig, MistralForCausalLM, Olmo2Config, Olmo2ForCausalLM,
                          Qwen2Config, Qwen2ForCausalLM, Qwen3Config, Qwen3ForCausalLM,
                          SmolLM3Config, SmolLM3ForCausalLM)

D, L, H, G, S, F, V, T = 32, 2, 4, 2, 8, 48, 56, 24
common = dict(hidden_size=D, num_hidden_layers=L, num_attention_heads=H, num_key_value_heads=G,
              head_dim=S, intermediate_size=F, vocab_size=V, max_position_embeddings=64,
              rms_norm_eps=1e-5, attn_implementation="eager", pad_token_id=None, bos_token_id=None,
              eos_token_id=None)
llama3 = dict(rope_type="llama3", factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=32, rope_theta=100.0)
plain = lambda theta: dict(rope_type="default", rope_theta=theta)
archs = {
    "llama": (LlamaForCausalLM,
              LlamaConfig(**common, tie_word_embeddings=False, rope_parameters=llama3)),
    "qwen2": (Qwen2ForCausalLM,
              Qwen2Config(**common, tie_word_embeddings=True, rope_parameters=plain(1000.0))),
    "qwen3": (Qwen3ForCausalLM,
              Qwen3Config(**common, tie_word_embeddings=True, rope_parameters=plain(1000.0))),
    "gemma3": (Gemma3ForCausalLM, Gemma3TextConfig(
        **common, tie_word_embeddings=True, sliding_window=5,
        layer_types=["sliding_attention", "full_attention"], query_pre_attn_scalar=16,
        rope_parameters={"full_attention": plain(1000.0), "sliding_attention": plain(100.0)})),
    "mistral": (MistralForCausalLM, MistralConfig(
        **common, tie_word_embeddings=False, sliding_window=5, rope_parameters=plain(1000.0))),
    "olmo2": (Olmo2ForCausalLM, Olmo2Config(
        **common, tie_word_embeddings=False, rope_parameters=plain(1000.0))),
    "smollm3": (SmolLM3ForCausalLM, SmolLM3Config(
        **common, tie_word_embeddings=True, no_rope_layers=[1, 0], rope_parameters=plain(1000.0))),
}
untied = ("llama", "mistral", "olmo2")
layer_names = [  # ours, theirs, present in
    ("attn_norm.weight", "input_layernorm.weight"), ("attn_q.weight", "self_attn.q_proj.weight"),
    ("attn_k.weight", "self_attn.k_proj.weight"), ("attn_v.weight", "self_attn.v_proj.weight"),
    ("attn_q.bias", "self_attn.q_proj.bias"), ("attn_k.bias", "self_attn.k_proj.bias"),
    ("attn_v.bias", "self_attn.v_proj.bias"), ("attn_q_norm.weight", "self_attn.q_norm.weight"),
    ("attn_k_norm.weight", "self_attn.k_norm.weight"),
    ("attn_output.weight", "self_attn.o_proj.weight"),
    ("post_attention_norm.weight", "post_attention_layernorm.weight"),
    ("ffn_norm.weight", "post_attention_layernorm.weight"),
    ("ffn_gate.weight", "mlp.gate_proj.weight"), ("ffn_up.weight", "mlp.up_proj.weight"),
    ("ffn_down.weight", "mlp.down_proj.weight"),
    ("post_ffw_norm.weight", "post_feedforward_layernorm.weight"),
]


def names(arch, sd):
    yield "token_embd.weight", "model.embed_tokens.weight"
    for l in range(L):
        for ours, theirs in layer_names:
            if arch == "gemma3" and ours == "ffn_norm.weight":
                theirs = "pre_feedforward_layernorm.weight"
            if arch not in ("gemma3", "olmo2") and ours.startswith("post_"):
                continue
            if arch == "olmo2" and ours in ("attn_norm.weight", "ffn_norm.weight"):
                continue
            if f"model.layers.{l}.{theirs}" in sd:
                yield f"blk.{l}.{ours}", f"model.layers.{l}.{theirs}"
    yield "output_norm.weight", "model.norm.weight"
    if arch in untied:
        yield "output.weight", "lm_head.weight"


def bf16(x):
    return x.detach().to(torch.bfloat16).contiguous().view(torch.int16).numpy().tobytes()


def config_text(arch):
    c = dict(arch=arch, layers=L, width=D, heads=H, kv_heads=G, head_size=S, ffn=F, vocab=V,
             context=64, norm_eps=1e-5, rope_theta=100 if arch == "llama" else 1000,
             rope_factor=4 if arch == "llama" else 0, rope_low=1 if arch == "llama" else 0,
             rope_high=4 if arch == "llama" else 0, rope_orig=32 if arch == "llama" else 0,
             rope_linear=0, tied=int(arch not in untied),
             window=5 if arch in ("gemma3", "mistral") else 0,
             window_every={"gemma3": 2, "mistral": L + 1}.get(arch, 0),
             rope_local_theta={"gemma3": 100, "mistral": 1000}.get(arch, 0),
             attn_scale=0.25 if arch == "gemma3" else 0)
    if arch == "smollm3":
        c["rope_skip"] = 2
    return "".join(f"{k} {v}\n" for k, v in c.items())


for arch, (cls, cfg) in archs.items():
    if sys.argv[2:] and arch not in sys.argv[2:]:
        continue
    torch.manual_seed(7)
    model = cls(cfg).float().train()
    with torch.no_grad():
        for name, p in model.named_parameters():
            one = "norm" in name and arch != "gemma3"      # gemma3's norms multiply by 1 + w
            p.copy_((torch.randn_like(p) * 0.25 + one).bfloat16().float())
    tokens = torch.randint(0, V, (1, T))
    logp = torch.log_softmax(model(tokens).logits[0, :-1].float(), -1).gather(
        1, tokens[0, 1:, None])[:, 0]
    logp.sum().backward()
    params = dict(model.named_parameters())
    order = list(names(arch, params))
    assert len({t for _, t in order}) == len(params), set(params) - {t for _, t in order}
    with open(f"{sys.argv[1]}/{arch}.bin", "wb") as f:
        f.write(struct.pack("<i", T) + tokens[0].int().numpy().tobytes() +
                logp.detach().numpy().tobytes())
        for ours, theirs in order:
            f.write(bf16(params[theirs]))
        for _, theirs in order:
            f.write(bf16(params[theirs].grad))
    open(f"{sys.argv[1]}/{arch}.txt", "w").write(config_text(arch))
    print(arch, "parameters", sum(p.numel() for p in params.values()),
          "sum logp", logp.sum().item())
open(f"{sys.argv[1]}/VERSIONS", "w").write(
    f"torch {torch.__version__}\ntransformers {transformers.__version__}\n")
