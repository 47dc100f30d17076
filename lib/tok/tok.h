/* SPDX-License-Identifier: MIT */
/*
 * tok: converts text to token ids and back; chat formats. Knows no model and no store: importers
 * fill in a struct vocab, and the store keeps its bytes.
 */
#ifndef TOK_H
#define TOK_H

#include "jsonl/jsonl.h"

enum tok_kind {
	TOK_BYTE,                    /* ids 0..255 are bytes, followed by control tokens */
	TOK_BPE,                     /* byte-level BPE, PCRE2 pre-tokenization */
	TOK_SPM,                     /* SentencePiece-style: scores, byte fallback */
};

/* Pre-tokenization of byte-level BPE, by GGUF's tokenizer.ggml.pre names. */
enum tok_pre { TOK_PRE_NONE, TOK_PRE_GPT2, TOK_PRE_SMOLLM, TOK_PRE_QWEN2, TOK_PRE_LLAMA_BPE };

/* GGUF's token types. */
enum tok_type { TOK_NORMAL = 1, TOK_UNKNOWN, TOK_CONTROL, TOK_USER, TOK_UNUSED, TOK_BYTE_PIECE };

struct vocab_token {
	/* as in the file: for BPE in GPT-2's byte alphabet, for SPM with U+2581; byte pieces are
	 * "<0x0A>"; control and user tokens are plain text. Contains no NUL. */
	char *text;
	enum tok_type type;
	float score;
};

/* A tokenizer as data, as in a model file. {0} is a valid empty one. All pointers are owned. */
struct vocab {
	enum tok_kind kind;
	enum tok_pre pre;
	struct vocab_token *tokens;  /* [n], the index is the id */
	size_t n, cap;
	char **merges;               /* [n_merges] "left right", in rank order */
	size_t n_merges, merges_cap;
	int *ends;                   /* [n_ends] ids that end a response */
	size_t n_ends, ends_cap;
	int bos, eos, unk;           /* -1: none */
	int add_bos;                 /* the model expects bos at position 0 */
	int add_space_prefix;        /* SPM: a space before the text */
	int ignore_merges;           /* Llama 3: a word that is a token needs no merges */
	char *chat;                  /* chat format: "chatml", "llama3", "plain", "gemma" */
	char *chat_template;         /* the file's Jinja template, kept for export; NULL: none */
};

void vocab_init(struct vocab *v);            /* zeroed, ids set to -1 (none) */
void vocab_release(struct vocab *v);
void vocab_add(struct vocab *v, const char *text, size_t n, enum tok_type type, float score);
void vocab_merge(struct vocab *v, const char *merge, size_t n);
void vocab_end(struct vocab *v, int id);     /* adds id to ends unless present */
/* The byte vocabulary: ids 0..255 are bytes, 256 is "<|end|>" (eos, ends responses), 257
 * "<|start|>" (unused): n = 258; chat "plain". */
void vocab_bytes(struct vocab *v);
/* Looks up a pre-tokenization by its GGUF tokenizer.ggml.pre name; an error if unknown. */
MUST_CHECK int tok_pre_by_name(const char *name, enum tok_pre *out, struct err *e);
const char *tok_pre_name(enum tok_pre pre);
/* Recognises the chat format from the control tokens named in the template; without a template,
 * from a format's end token among eos and ends (which must be set). "plain" if none matches. */
const char *chat_recognise(const struct vocab *v);
/* The control token that ends a turn in a built-in format ("<|im_end|>"); NULL if none. */
const char *chat_end_text(const char *format);
/* True if text is one of the control tokens that a built-in format writes. */
int chat_writes(const char *format, const char *text);
/* The system message that a model's own chat template (of ChatML's kind) adds if none is given;
 * malloced; NULL: it has none, or none that can be recognised. */
char *chat_default_system(const struct vocab *v);
/* Serialises to bytes for the store, and back (bounds checked: the bytes are untrusted). */
void vocab_save(const struct vocab *v, struct buf *out);
MUST_CHECK int vocab_load(const void *bytes, size_t n, struct vocab *out, struct err *e);

/* ---- tokenizing ----------------------------------------------- */

struct tok;

/* Makes a tokenizer; v is copied. Fails on a vocabulary that cannot work (a merge of unknown
 * pieces, ids out of range, more than 2^24 tokens, BPE without printable ASCII and newline, SPM
 * without bytes or unk). Text becomes normal tokens by merging, and user tokens wherever it
 * contains one (leftmost, then longest); a user token that ends responses, is bos, or looks like
 * <|this|> counts as control. */
MUST_CHECK int tok_new(const struct vocab *v, struct tok **out, struct err *e);
void tok_free(struct tok *t);
size_t tok_size(const struct tok *t);
/* Appends the ids of text (any bytes; never a control token) to ids. at_start: first text of a
 * sequence (SPM's space prefix). Decoding gives the same bytes back, except bytes for which a BPE
 * vocabulary has no token: they are dropped, as the models' own tokenizers do (SmolLM2 lacks six
 * control characters, bytes that UTF-8 never uses and those used only for planes 4 to 11). Text is
 * not normalised (Qwen2's own tokenizer applies NFC first). */
struct ids {
	int *v;
	size_t n, cap;
};
MUST_CHECK int tok_encode(struct tok *t, const char *text, size_t n, int at_start, struct ids *ids,
                          struct err *e);
/* Id of the control token with exactly this text, -1 if there is none. */
int tok_control(const struct tok *t, const char *text);
int tok_bos(const struct tok *t);            /* -1 unless the model expects it at position 0 */
int tok_is_end(const struct tok *t, int id);
/* The end token to feed after a cut-off response: the chat format's, else eos, else the first of
 * ends; -1: none. It ends a response even if it is not in ends. */
int tok_end(const struct tok *t);
/* The id's bytes (raw, not the byte alphabet); empty for control tokens unless control is set.
 * Borrowed. */
const char *tok_bytes(const struct tok *t, int id, int control, size_t *n);
/* Appends the text of ids without control tokens to out, as raw bytes (js_strn turns invalid UTF-8
 * into U+FFFD). */
void tok_decode(const struct tok *t, const int *ids, size_t n, struct buf *out);
/* Streaming form of tok_decode: all calls together append the same bytes; an incomplete UTF-8
 * character (at most 3 bytes) is held in s. id -1 flushes it. Starts as {0}. */
struct tok_stream {
	unsigned char tail[4];
	int n;
};
void tok_decode_piece(const struct tok *t, struct tok_stream *s, int id, struct buf *out);

/* ---- chat formats ---------------------------------------------------------------- */

struct chat;

/* format: a built-in name ("chatml", "llama3", "plain", "gemma"); file (may be NULL): a jq program
 * that replaces it. The program's input is {turn, system, prompt}; its output is an array of
 * {"control": "<|im_start|>"} and {"text": "..."}: the pieces between the previous response's end
 * token and the next response. Text never becomes control tokens. */
MUST_CHECK int chat_new(const char *format, const char *file, struct chat **out, struct err *e);
void chat_free(struct chat *c);
/* The built-in program's source text (for the man page and for copying), NULL if unknown. */
const char *chat_source(const char *format);
/* Appends the ids that the model reads before response `turn` (0-based). system may be NULL; prompt
 * is a string, borrowed. turn 0 begins with bos if the model expects it. A control token missing
 * from the vocabulary is an error. */
MUST_CHECK int chat_render(struct chat *c, struct tok *t, size_t turn, const char *system,
                           struct js prompt, struct ids *ids, struct err *e);

#endif
