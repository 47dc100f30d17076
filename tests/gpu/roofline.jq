# SPDX-License-Identifier: MIT
# The least time that one H200 (4.8 TB/s, 990 TFLOP/s of dense bf16) needs for a decode step of all
# sequences, and for training on a token, by bytes and operations; and the launches that a decode
# step has today. What score-engine(7) prints (tests/gpu/roofline.t).
# usage: jq -nrf roofline.jq
def models: [
	{name: "SmolLM2-135M", layers: 30, width: 576, heads: 9, kv: 3, size: 64, ffn: 1536,
		vocab: 49152, tied: true},
	{name: "Llama-3-8B", layers: 32, width: 4096, heads: 32, kv: 8, size: 128, ffn: 14336,
		vocab: 128256, tied: false}];
def weights: .layers * (.width * .size * 2 * (.heads + .kv) + 3 * .width * .ffn)
	+ .vocab * .width;
def cache: .layers * 2 * .kv * .size * 2;       # bytes a position
def bandwidth: 4.8e12;
def rate: 990e12;

def decode($sequences; $positions):
	(2 * weights) as $bytes | (cache * $positions * $sequences) as $keys
	| (2 * weights + 4 * .layers * .heads * .size * $positions) as $flops
	| {weights: ($bytes / bandwidth), keys: ($keys / bandwidth),
		products: ($flops * $sequences / rate)}
	| .step = ([.weights + .keys, .products] | max)
	| .bound = (if .step == .products then "operations" elif .keys > .weights then "keys"
		else "weights" end)
	| .tokens = $sequences / .step;
# forward, and twice that backward
def training($length): rate / (6 * weights + 12 * .layers * .heads * .size * $length / 2);
# of a layer: norm, qkv, heads, attention, output, norm, gates and ups, glu, down; then the rest
def launches: .layers * 9 + 4;
def ms: . * 1e6 | round / 1e3 | tostring;
def figures: (log10 | floor - 1) as $n | (. / pow(10; $n) | round) * pow(10; $n) | tostring;

models[] | . as $m | (decode(1; 256), decode(64; 256), decode(1024; 256)) as $d
	| [$m.name, ($d.tokens * $d.step | round | tostring), ($d.weights | ms), ($d.keys | ms),
		($d.products | ms), $d.bound, ($d.tokens | figures), ($m | launches | tostring),
		($m | training(256) | figures)]
	| join(" ")
