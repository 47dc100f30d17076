# SPDX-License-Identifier: MIT
"""What other programs make of the files that score-weights reads and writes. Lines of JSON on
stdout.

usage: import.py tensors FILE.gguf HFDIR
           gguf, numpy: every tensor (of large ones 8192 rows), dequantised by the peer and rounded
           to bf16, is HFDIR's bytes
       import.py tokens HFDIR <strings
           tokenizers: the ids of tests/peers/tok.py's strings by HFDIR/tokenizer.json
       import.py llama A.gguf B.gguf
           cyllama (llama.cpp): the same ids, nearly the same logits
       import.py said FILE.gguf <trajectories
           cyllama (llama.cpp): nearly the log-probabilities that score-sample recorded
       import.py make DIR ARCH...
           torch, transformers, tokenizers: tiny random models DIR/ARCH, saved by the peer
       import.py logits DIR ARCH...
           torch, transformers: bitwise the same logits of DIR/ARCH and DIR/ARCH.hf
       import.py resave FILE.gguf HFDIR
           torch, transformers: the peer reads the GGUF and saves it as bf16
"""
import json
import os
import sys
import unicodedata

NAMES = {
    "token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight",
    "output.weight": "lm_head.weight", "attn_norm.weight": "input_layernorm.weight",
    "attn_q.weight": "self_attn.q_proj.weight", "attn_k.weight": "self_attn.k_proj.weight",
    "attn_v.weight": "self_attn.v_proj.weight", "attn_q.bias": "self_attn.q_proj.bias",
    "attn_k.bias": "self_attn.k_proj.bias", "attn_v.bias": "self_attn.v_proj.bias",
    "attn_output.weight": "self_attn.o_proj.weight",
    "attn_q_norm.weight": "self_attn.q_norm.weight",
    "attn_k_norm.weight": "self_attn.k_norm.weight",
    "ffn_norm.weight": "post_attention_layernorm.weight", "ffn_gate.weight": "mlp.gate_proj.weight",
    "ffn_up.weight": "mlp.up_proj.weight", "ffn_down.weight": "mlp.down_proj.weight",
}
GEMMA3 = {
    "post_attention_norm.weight": "post_attention_layernorm.weight",
    "ffn_norm.weight": "pre_feedforward_layernorm.weight",
    "post_ffw_norm.weight": "post_feedforward_layernorm.weight",
}
TEXT = ("The quick brown fox jumps over 12 lazy dogs; def f(x):\n    return x + 1945\n\n"
        "It's a na\u00efve \u4f60\u597d test, isn't it?")


def say(**what):
    print(json.dumps(what, sort_keys=True))


def hf_name(ours, arch):
    names = {**NAMES, **(GEMMA3 if arch == "gemma3" else {})}
    if not ours.startswith("blk."):
        return names[ours]
    _, layer, rest = ours.split(".", 2)
    return f"model.layers.{layer}.{names[rest]}"


def tensors(path, hfdir):
    import gguf
    import numpy as np
    from gguf.quants import dequantize

    reader = gguf.GGUFReader(path)
    arch = reader.fields["general.architecture"].contents()
    heads = {"attn_q": int(reader.fields[f"{arch}.attention.head_count"].contents()),
             "attn_k": int(reader.fields[f"{arch}.attention.head_count_kv"].contents())}
    raw = np.memmap(os.path.join(hfdir, "model.safetensors"), dtype=np.uint8, mode="r")
    length = int.from_bytes(raw[:8].tobytes(), "little")
    header = json.loads(raw[8:8 + length].tobytes())
    header.pop("__metadata__")
    differ, seen = [], 0
    for t in reader.tensors:
        if t.name == "rope_freqs.weight":
            continue
        x = dequantize(t.data[:8192], t.tensor_type).astype(np.float32)
        part = t.name.split(".")[-2]
        if arch == "llama" and part in heads:
            x = x.reshape(heads[part], -1, 2, x.shape[-1]).swapaxes(1, 2).reshape(x.shape)
        if arch == "gemma3" and "norm" in t.name:      # the file has 1 + w
            x = x - np.float32(1)
        u = x.view(np.uint32)
        bits = ((u.astype(np.uint64) + 0x7fff + (u >> 16 & 1)) >> 16).astype(np.uint16)
        entry = header.pop(hf_name(t.name, arch))
        begin, end = (8 + length + o for o in entry["data_offsets"])
        data = raw[begin:end].tobytes()
        seen += 1
        shape = [int(n) for n in reversed(t.shape)]
        if data[:bits.nbytes] != bits.tobytes() or entry["shape"] != shape:
            differ.append(t.name)
    say(tensors=seen, differ=len(differ), first=differ[:3], left=sorted(header)[:3])


def tokens(hfdir):
    from tokenizers import Tokenizer

    tok = Tokenizer.from_file(os.path.join(hfdir, "tokenizer.json"))
    tok.encode_special_tokens = True      # text never becomes a control token
    normal = tok.normalizer is not None and type(tok.normalizer).__name__ == "NFC"
    n = bad = 0
    for line in sys.stdin:
        one = json.loads(line)
        if normal and unicodedata.normalize("NFC", one["text"]) != one["text"]:
            continue
        n += 1
        if tok.encode(one["text"], add_special_tokens=False).ids != one["ids"]:
            bad += 1
            if bad < 4:
                print(repr(one["text"]), file=sys.stderr)
    say(strings=n, differ=bad)


def llama_model(path):
    import cyllama.llama.llama_cpp as lib

    class Model(lib.LlamaModel):
        # cyllama 0.2.18's get_logits looks for it here
        @property
        def n_vocab(self):
            return self.get_vocab().n_vocab

    return Model(path, lib.LlamaModelParams())


def llama_logprobs(model, ids):
    """[len(ids)][V]: after each of them."""
    import numpy as np
    import cyllama.llama.llama_cpp as lib

    context = lib.LlamaContext(model, lib.LlamaContextParams())
    rows = []
    for i, x in enumerate(ids):
        batch = lib.LlamaBatch(n_tokens=1, embd=0, n_seq_max=1)
        batch.set_batch([x], i, True)
        context.decode(batch)
        rows.append(np.array(context.get_logits(), dtype=np.float64)[:model.n_vocab])
    y = np.stack(rows)
    y -= y.max(1, keepdims=True)
    y -= np.log(np.exp(y).sum(1, keepdims=True))
    return y


def said(path):
    model = llama_model(path)
    diff = []
    for line in sys.stdin:
        ids, want = [], []
        for turn in json.loads(line)["turns"]:
            ids += turn["context"]
            want += [(len(ids) + i, x) for i, x in enumerate(turn["logprobs"])]
            ids += turn["tokens"]
        y = llama_logprobs(model, ids)
        diff += [abs(y[at - 1][ids[at]] - x) for at, x in want]
    say(many=len(diff) > 50, close=bool(sum(diff) / len(diff) < 0.012))
    print(f"mean |difference| {sum(diff) / len(diff):.5f}, largest {max(diff):.5f}",
          file=sys.stderr)


def llama(a, b):
    import numpy as np

    def run(path):
        model = llama_model(path)
        vocab = model.get_vocab()
        ids = list(vocab.tokenize(TEXT, True, True))
        y = llama_logprobs(model, ids)
        special = [vocab.token_bos(), vocab.token_eos(), vocab.token_eot()]
        return ids, y, special, model.get_default_chat_template()

    x, y = run(a), run(b)
    kl = (np.exp(x[1]) * (x[1] - y[1])).sum(1)
    say(ids=x[0] == y[0], special=x[2] == y[2], template=x[3] == y[3], close=bool(kl.mean() < 0.05),
        spread=bool(np.exp(x[1]).max(1).mean() < 0.9), n=len(x[0]))
    print(f"mean KL {kl.mean():.2e}, largest {kl.max():.2e}", file=sys.stderr)


def load(path):
    import torch
    from transformers import AutoModelForCausalLM

    kwargs = {"dtype": torch.float32}
    if path.endswith(".gguf"):
        return AutoModelForCausalLM.from_pretrained(
            os.path.dirname(path) or ".", gguf_file=os.path.basename(path), **kwargs)
    return AutoModelForCausalLM.from_pretrained(path, **kwargs)


def make(path, *archs):
    for arch in archs:
        make_one(arch, os.path.join(path, arch))


def make_one(arch, path):
    import torch
    import transformers as tf
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    torch.manual_seed(5)
    common = dict(hidden_size=32, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
                  head_dim=16, intermediate_size=48, vocab_size=270, max_position_embeddings=256,
                  rms_norm_eps=1e-5, bos_token_id=259, eos_token_id=260, pad_token_id=None)
    plain = dict(rope_type="default", rope_theta=1000.0)
    model = {
        "llama": lambda: tf.LlamaForCausalLM(tf.LlamaConfig(
            **common, tie_word_embeddings=False, rope_parameters=dict(
                rope_type="llama3", rope_theta=1000.0, factor=8.0, low_freq_factor=1.0,
                high_freq_factor=4.0, original_max_position_embeddings=64))),
        "qwen2": lambda: tf.Qwen2ForCausalLM(tf.Qwen2Config(
            **{**common, "head_dim": 8}, tie_word_embeddings=True, rope_parameters=plain)),
        "qwen3": lambda: tf.Qwen3ForCausalLM(
            tf.Qwen3Config(**common, tie_word_embeddings=True, rope_parameters=plain)),
        "gemma3": lambda: tf.Gemma3ForCausalLM(tf.Gemma3TextConfig(
            **common, sliding_window=8, query_pre_attn_scalar=16, _sliding_window_pattern=2,
            layer_types=["sliding_attention", "full_attention", "sliding_attention"],
            rope_parameters={"full_attention": plain,
                             "sliding_attention": dict(rope_type="default", rope_theta=100.0)})),
        "mistral": lambda: tf.MistralForCausalLM(tf.MistralConfig(
            **common, sliding_window=8, tie_word_embeddings=False, rope_parameters=plain)),
        "olmo2": lambda: tf.Olmo2ForCausalLM(tf.Olmo2Config(
            **{**common, "head_dim": 8}, tie_word_embeddings=False, rope_parameters=plain)),
        "smollm3": lambda: tf.SmolLM3ForCausalLM(tf.SmolLM3Config(
            **{**common, "head_dim": 8}, tie_word_embeddings=True, no_rope_layers=[1, 0, 1],
            rope_parameters=plain)),
    }[arch]()
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(torch.randn_like(p).clamp(-3, 3) * (0.3 if p.dim() > 1 else 0.5) +
                    (1 if "norm" in name and arch != "gemma3" else 0))
            p.copy_(p.bfloat16().float())      # what is not saved as bf16 here is rounded at import
    if arch in ("qwen2", "llama"):
        model = model.bfloat16()
    if arch == "qwen3":
        model = model.half()                             # exact: the values are of moderate size
    model.save_pretrained(path, **({"max_shard_size": "20KB"} if arch == "llama" else {}))
    alphabet = [chr(b) if 33 <= b <= 126 or 161 <= b <= 172 or b >= 174 else None
                for b in range(256)]
    other = iter(range(256, 512))
    alphabet = [c or chr(next(other)) for c in alphabet]
    vocab = {**{c: i for i, c in enumerate(alphabet)}, "he": 256, "ll": 257, "hell": 258}
    tok = Tokenizer(models.BPE(vocab=vocab,
                               merges=[("h", "e"), ("l", "l"), ("he", "ll")]))
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tok.decoder = decoders.ByteLevel()
    fast = tf.PreTrainedTokenizerFast(
        tokenizer_object=tok, bos_token="<|start|>", eos_token="<|endoftext|>")
    fast.save_pretrained(path)
    say(arch=arch)


def logits(path, *archs):
    import torch

    ids = torch.randint(0, 256, (2, 40), generator=torch.Generator().manual_seed(1))
    for arch in archs:
        x, y = load(os.path.join(path, arch)), load(os.path.join(path, arch + ".hf"))
        with torch.no_grad():
            p, q = x(ids).logits, y(ids).logits
        say(arch=arch, equal=bool(torch.equal(p, q)), finite=bool(p.isfinite().all()),
            spread=bool(p.std() > 0.1))
        print(f"{arch}: largest difference {(p - q).abs().max():.3e}", file=sys.stderr)


def resave(path, hfdir):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source = load(path)
    if hasattr(source.config, "quantization_config"):
        del source.config.quantization_config      # with it, it would not be saved
    model = AutoModelForCausalLM.from_config(source.config)
    model.load_state_dict(source.state_dict())
    model = model.bfloat16()
    model.save_pretrained(hfdir)
    AutoTokenizer.from_pretrained(
        os.path.dirname(path) or ".", gguf_file=os.path.basename(path)).save_pretrained(hfdir)
    say(dtype=str(next(model.parameters()).dtype == torch.bfloat16))


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    {"tensors": tensors, "tokens": tokens, "llama": llama, "said": said, "make": make,
     "logits": logits, "resave": resave}[sys.argv[1]](*sys.argv[2:])
