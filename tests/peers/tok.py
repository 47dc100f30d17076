# SPDX-License-Identifier: MIT
"""The token ids that PyPI's tokenizers (seen: 0.23.3) gives to random strings, from a GGUF file's
own vocabulary.

usage: tok.py FILE.gguf PRE [COUNT [SEED]]
PRE: gpt-2 smollm qwen2 llama-bpe, or spm (no pre-tokenization, merges from scores).
JSON lines on stdout: {"text": ..., "ids": [...]}. tests/unit/tok_vectors.c compares.

The peer's expressions know Unicode 16, its Digits 17: the 13 numbers that 17 added are left out. No
normaliser: a GGUF file names none (Qwen2's own tokenizer.json has NFC). Under spm the peer reads
U+2581 in text as a space, we as itself: left out.
"""
import json
import random
import sys
import unicodedata

import gguf
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

QWEN2 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
         r"|\s*[\r\n]+|\s+(?!\S)|\s+")
SPLITS = {
    "gpt-2": [],
    "smollm": [pre_tokenizers.Digits(individual_digits=True)],
    "qwen2": [pre_tokenizers.Split(Regex(QWEN2), "isolated")],
    "llama-bpe": [
        pre_tokenizers.Split(Regex(QWEN2.replace(r"|\p{N}|", r"|\p{N}{1,3}|")), "isolated")],
}
NORMAL, CONTROL, USER = 1, 3, 4

NEW_NUMBERS = {*range(0x11de0, 0x11dea), 0x16ff4, 0x16ff5, 0x16ff6}


def spm(fields, tokens, types, vocab):
    scores = fields["tokenizer.ggml.scores"].contents()
    normal = {t for t, y in zip(tokens, types) if y == NORMAL}
    merges = [(-score, t[:i], t[i:]) for t, y, score in zip(tokens, types, scores) if y == NORMAL
              for i in range(1, len(t)) if t[:i] in normal and t[i:] in normal]
    merges.sort(key=lambda m: m[0])
    tok = Tokenizer(models.BPE(
        vocab=vocab, merges=[m[1:] for m in merges], byte_fallback=True, unk_token="<unk>"))
    prefix = fields.get("tokenizer.ggml.add_space_prefix")
    first = [normalizers.Prepend("\u2581")] if prefix is None or prefix.contents() else []
    tok.normalizer = normalizers.Sequence(first + [normalizers.Replace(" ", "\u2581")])
    return tok


def peer(path, pre):
    fields = gguf.GGUFReader(path).fields
    tokens = fields["tokenizer.ggml.tokens"].contents()
    types = fields["tokenizer.ggml.token_type"].contents()
    vocab = {t: i for i, t in enumerate(tokens)}
    if pre == "spm":
        tok = spm(fields, tokens, types, vocab)
    else:
        merges = [tuple(m.split(" ")) for m in fields["tokenizer.ggml.merges"].contents()]
        tok = Tokenizer(models.BPE(vocab=vocab, merges=merges, ignore_merges=pre == "llama-bpe"))
        regex = pre in ("gpt-2", "smollm")
        tok.pre_tokenizer = pre_tokenizers.Sequence(
            SPLITS[pre] + [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=regex)])
    # Control tokens are not given: text never becomes one. User-defined ones are found in text.
    tok.add_tokens([
        AddedToken(t, normalized=False, special=False) for t, y in zip(tokens, types) if y == USER])
    return tok, [t for t, y in zip(tokens, types) if y in (CONTROL, USER)]


class Strings:
    def __init__(self, seed, named):
        self.r = random.Random(seed)
        self.named = named
        kinds = {}
        for cp in range(0x110000):
            kind = unicodedata.category(chr(cp))
            if kind not in ("Cs", "Co", "Cn"):
                kinds.setdefault(kind, []).append(chr(cp))
        self.kinds = kinds
        self.scripts = [(0x41, 0x7a), (0xc0, 0x17f), (0x370, 0x3ff), (0x400, 0x4ff), (0x590, 0x5ff),
                        (0x600, 0x6ff), (0x900, 0x97f), (0xe00, 0xe7f), (0x1780, 0x17ff),
                        (0x1e00, 0x1eff), (0x3040, 0x30ff), (0x4e00, 0x9fff), (0xac00, 0xd7a3),
                        (0x1f300, 0x1f64f), (0x1f900, 0x1f9ff), (0x10400, 0x1044f),
                        (0x2070, 0x209c), (0x2150, 0x218b)]
        self.makers = [self.script, self.any, self.category, self.control, self.space, self.code,
                       self.contraction, self.digits, self.combining, self.word, self.emoji,
                       self.token, self.ascii, self.anything]

    def some(self, low, high, one):
        return "".join(one() for _ in range(self.r.randint(low, high)))

    def script(self):
        a, b = self.r.choice(self.scripts)
        s = self.some(1, 12, lambda: chr(self.r.randint(a, b)))
        return "".join(c for c in s if unicodedata.category(c) != "Cn")

    def any(self):
        return self.some(1, 6, lambda: self.r.choice(self.kinds[self.r.choice(sorted(self.kinds))]))

    def category(self):
        kind = self.kinds[self.r.choice(sorted(self.kinds))]
        return self.some(1, 5, lambda: self.r.choice(kind))

    def control(self):
        return self.some(1, 4, lambda: chr(self.r.choice(
            [*range(32), 127, *range(128, 160), 0xad, 0x200b, 0x200d, 0x2060, 0xfeff, 0x180e])))

    def space(self):
        return self.some(1, 8, lambda: self.r.choice(
            [" "] * 6 + ["\n", "\n", "\r", "\r\n", "\t", "\v", "\f", "\x85", "\xa0", "\u1680",
                         "\u2003", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"]))

    def code(self):
        return self.r.choice(["def f(x):\n    return x**2 + 1\n",
                              "for (int i = 0; i < n; i++) {\n\t\ta[i] += 0x1F;\n\t}\n\n",
                              "if x != y or not z:", "#include <stdio.h>\n",
                              "\\frac{1}{2}\\boxed{42}", "print(f\"{x!r:>10}\")",
                              "SELECT * FROM t WHERE a='b';", "</div>\r\n\r\n",
                              "_private.__init__(self, *args)", "// ---- end ----\n",
                              "a->b[3]::c<T>", "$x = \"\\n\";", "camelCase HTTPServer x86_64"])

    def contraction(self):
        return (self.r.choice(["I", "he", "we", "", " ", "x1", "don", "\u00e9", "L"]) +
                self.r.choice(["'", "'", "\u2019", "''"]) +
                self.r.choice(["s", "t", "re", "ve", "m", "ll", "d", "S", "T", "RE", "Ve", "M",
                               "lL", "D", "sx", "rex", "\u017f", "\u017fa", "r", "l", "K",
                               "\u212a", "era"]))

    def digits(self):
        zero = self.r.choice(["0", "0", "0", "\u0660", "\u0966", "\uff10"])
        return (self.r.choice(["", " ", "-", "$", "."]) +
                self.some(1, 9, lambda: chr(ord(zero) + self.r.randint(0, 9))))

    def combining(self):
        return self.some(1, 4, lambda: self.r.choice("aeiouAEIOUnc\u0438\u0915") +
                         self.some(0, 3, lambda: chr(self.r.randint(0x300, 0x36f))))

    def word(self):
        return self.r.choice(["", " "]) + self.r.choice(
            ["Hello", "world", "the", "Answer", "multiplication", "SCoRe", "wait", "incorrect",
             "therefore", "na\u00efve", "stra\u00dfe",
             "\u0440\u0435\u0448\u0435\u043d\u0438\u0435", "\u4f60\u597d", "\u7b54\u3048"])

    def emoji(self):
        return self.r.choice(["\U0001f600", "\U0001f468\u200d\U0001f469\u200d\U0001f467",
                              "\U0001f44d\U0001f3fd", "\U0001f1eb\U0001f1f7", "\u2764\ufe0f",
                              "\U0001f999", "\u2705", "1\ufe0f\u20e3"])

    def token(self):
        t = self.r.choice(self.named)
        return self.r.choice([t, t[:-1], t[1:], t + " ", " " + t]) if self.r.random() < 0.5 else ""

    def ascii(self):
        return self.some(1, 16, lambda: chr(self.r.randint(32, 126)))

    def anything(self):
        cps = [self.r.choice([self.r.randrange(0x3000), self.r.randrange(0x10000),
                              self.r.randrange(0x33000), self.r.randrange(0x110000)])
               for _ in range(self.r.randint(1, 8))]
        return "".join(chr(c) for c in cps if not 0xd800 <= c < 0xe000 and c not in NEW_NUMBERS)

    def one(self):
        return "".join(self.r.choice(self.makers)() for _ in range(self.r.randint(1, 9)))


def main():
    path, pre = sys.argv[1:3]
    count, seed = (int(x) for x in (sys.argv[3:] + ["5000", "7"][len(sys.argv) - 3:])[:2])
    tok, named = peer(path, pre)
    strings = Strings(seed, named)
    for _ in range(count):
        text = strings.one()
        if pre == "spm":
            text = text.replace("\u2581", "")
        ids = tok.encode(text, add_special_tokens=False).ids
        print(json.dumps({"text": text, "ids": ids}))


main()
