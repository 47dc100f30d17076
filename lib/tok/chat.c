/* SPDX-License-Identifier: MIT */
/* Chat formats: small jq programs that produce what the model reads before a response. */
#include "tok/inside.h"

#include <stdlib.h>
#include <string.h>

static const char chatml[] =
	"def said(role; what): [{control: \"<|im_start|>\"}, {text: (role + \"\\n\" + what)},\n"
	"                       {control: \"<|im_end|>\"}, {text: \"\\n\"}];\n"
	"(if .turn > 0 then [{text: \"\\n\"}]\n"
	" elif .system then said(\"system\"; .system)\n"
	" else [] end)\n"
	"+ said(\"user\"; .prompt)\n"
	"+ [{control: \"<|im_start|>\"}, {text: \"assistant\\n\"}]\n";

static const char llama3[] =
	"def head(role): [{control: \"<|start_header_id|>\"}, {text: role}, {control: "
	"\"<|end_header_id|>\"}];\n"
	"def said(role; what): head(role) + [{text: (\"\\n\\n\" + what)}, {control: \"<|eot_id|>\"}];\n"
	"(if .turn == 0 and .system then said(\"system\"; .system) else [] end)\n"
	"+ said(\"user\"; .prompt)\n"
	"+ head(\"assistant\") + [{text: \"\\n\\n\"}]\n";

/* Gemma has no system role: the message goes before the first prompt. */
static const char gemma[] = "(if .turn > 0 then [{text: \"\\n\"}] else [] end)\n"
                            "+ [{control: \"<start_of_turn>\"},\n"
                            "   {text: (\"user\\n\" + (if .turn == 0 and .system then .system + "
                            "\"\\n\\n\" else \"\" end) + .prompt)},\n"
                            "   {control: \"<end_of_turn>\"}, {text: \"\\n\"},\n"
                            "   {control: \"<start_of_turn>\"}, {text: \"model\\n\"}]\n";

static const char plain[] =
	"[{text: ((if .turn == 0 and .system then .system else \"\" end) + .prompt)}]\n";

/* In the order in which chat_recognise asks. marks: control tokens that the format needs. */
static const struct format {
	const char *name, *source, *end;
	const char *marks[3];
} formats[] = {
	{"chatml", chatml, "<|im_end|>", {"<|im_start|>", "<|im_end|>", NULL}},
	{"llama3", llama3, "<|eot_id|>", {"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"}},
	{"gemma", gemma, "<end_of_turn>", {"<start_of_turn>", "<end_of_turn>", NULL}},
	{"plain", plain, NULL, {NULL}},
};

static const struct format *find(const char *name)
{
	for (size_t i = 0; i < LEN(formats); i++)
		if (!strcmp(name, formats[i].name))
			return &formats[i];
	return NULL;
}

const char *chat_source(const char *format)
{
	const struct format *f = find(format);

	return f ? f->source : NULL;
}

const char *chat_end_text(const char *format)
{
	const struct format *f = find(format);

	return f ? f->end : NULL;
}

int chat_writes(const char *format, const char *text)
{
	const struct format *f = format ? find(format) : NULL;

	for (size_t k = 0; f && k < LEN(f->marks) && f->marks[k]; k++)
		if (!strcmp(f->marks[k], text))
			return 1;
	return 0;
}

/* A template's string literal as text: \n is a newline. Anything but plain text: NULL. */
static char *literal(const char *s, size_t n)
{
	struct buf out = {0};

	for (size_t i = 0; i < n; i++) {
		if (s[i] == '\\' && i + 1 < n && s[i + 1] == 'n') {
			buf_addc(&out, '\n');
			i++;
		} else if (strchr("\\'\"{}", s[i])) {
			buf_release(&out);
			return NULL;
		} else {
			buf_addc(&out, s[i]);
		}
	}
	buf_addc(&out, 0);
	return out.data;
}

char *chat_default_system(const struct vocab *v)
{
	static const char open[] = "<|im_start|>system", close[] = "<|im_end|>";
	const char *at = v->chat && !strcmp(v->chat, "chatml") ? v->chat_template : NULL;

	while (at && (at = strstr(at, open))) {
		const char *end = strstr(at, close);
		size_t skip;
		char *text;

		at += sizeof open - 1;
		skip = *at == '\n' ? 1 : !strncmp(at, "\\n", 2) ? 2 : 0;
		if (skip && end > at + skip && (text = literal(at + skip, (size_t)(end - at) - skip)))
			return text;
	}
	return NULL;
}

/* ---- recognising ---- */

/* Id of a possible control token by its text. */
static int vocab_find(const struct vocab *v, const char *text)
{
	for (size_t i = v->n; i-- > 0;)          /* control tokens are usually last */
		if (!strcmp(v->tokens[i].text, text) &&
		    (v->tokens[i].type == TOK_CONTROL || v->tokens[i].type == TOK_USER))
			return (int)i;
	return -1;
}

static int ends_with(const struct vocab *v, const char *text)
{
	int id = vocab_find(v, text);

	for (size_t i = 0; i < v->n_ends && id >= 0; i++)
		if (v->ends[i] == id)
			return 1;
	return id >= 0 && v->eos == id;
}

const char *chat_recognise(const struct vocab *v)
{
	const char *tpl = v->chat_template;

	for (size_t i = 0; i < LEN(formats); i++) {
		const struct format *f = &formats[i];
		int fits = 1;

		for (size_t k = 0; k < LEN(f->marks) && f->marks[k]; k++)
			if (vocab_find(v, f->marks[k]) < 0 || (tpl && !strstr(tpl, f->marks[k])))
				fits = 0;
		/* With <|im_sep|> it is not ChatML. */
		if (tpl && f->source == chatml && strstr(tpl, "<|im_sep|>"))
			fits = 0;
		/* A base model's vocabulary often contains its family's chat tokens, untrained:
		 * only if the format's end token ends responses was the model trained on it. */
		if (!tpl && f->end && !ends_with(v, f->end))
			fits = 0;
		if (fits)
			return f->name;
	}
	return "plain";
}

/* ---- rendering ---- */

struct chat {
	struct jqp *program;
};

int chat_new(const char *format, const char *file, struct chat **out, struct err *e)
{
	const char *source = chat_source(format ? format : "plain");
	struct chat *c = xcalloc(1, sizeof *c);
	int rc;

	if (file)
		rc = jqp_load(file, js_none(), &c->program, e);
	else if (source)
		rc = jqp_new(source, format ? format : "plain", js_none(), &c->program, e);
	else
		rc = err_set(e, "chat format '%.64s' is not known (chatml, llama3, gemma, plain)", format);
	if (rc) {
		free(c);
		return -1;
	}
	*out = c;
	return 0;
}

void chat_free(struct chat *c)
{
	if (!c)
		return;
	jqp_free(c->program);
	free(c);
}

/* Renders one piece of the program's output. *started: some text was seen. */
static int render_piece(struct tok *t, struct js piece, int *started, struct ids *ids,
                        struct err *e)
{
	struct js control = js_get(piece, "control"), text = js_get(piece, "text");
	int rc = 0, id;

	if (js_len(piece) == 1 && js_kind(control) == JS_STRING) {
		id = strlen(js_string(control)) == js_string_len(control)
		         ? tok_control(t, js_string(control))
		         : -1;
		if (id < 0)
			rc = err_set(e, "the vocabulary has no control token '%.64s'", js_string(control));
		else
			ids_push(ids, id);
	} else if (js_len(piece) == 1 && js_kind(text) == JS_STRING) {
		rc = tok_encode(t, js_string(text), js_string_len(text), !*started, ids, e);
		*started |= js_string_len(text) > 0;
	} else {
		rc = err_set(e, "expected {\"control\": string} or {\"text\": string}");
	}
	js_free(control);
	js_free(text);
	return rc;
}

int chat_render(struct chat *c, struct tok *t, size_t turn, const char *system,
                struct js prompt, struct ids *ids, struct err *e)
{
	struct js in = js_object(), pieces = js_none();
	size_t old = ids->n;
	int rc, started = turn > 0;

	js_set(&in, "turn", js_num((double)turn));
	js_set(&in, "system", system ? js_str(system) : js_null());
	js_set(&in, "prompt", js_copy(prompt));
	rc = jqp_run(c->program, in, &pieces, e);
	js_free(in);
	if (rc)
		return err_prefix(e, "chat: ");
	if (js_kind(pieces) != JS_ARRAY)
		rc = err_set(e, "chat: expected an array, got %s", js_kind_name(js_kind(pieces)));
	if (!rc && turn == 0 && tok_bos(t) >= 0)
		ids_push(ids, tok_bos(t));
	for (size_t i = 0; !rc && i < js_len(pieces); i++) {
		struct js piece = js_at(pieces, i);

		rc = render_piece(t, piece, &started, ids, e);
		if (rc)
			err_prefix(e, "chat: .[%zu]: ", i);
		js_free(piece);
	}
	js_free(pieces);
	if (rc)
		ids->n = old;
	return rc;
}
