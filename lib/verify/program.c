/* SPDX-License-Identifier: MIT */
/*
 * Finds the program in a response. Candidates are blocks between fences (``` or ~~~, as models
 * write them: the opening one may belong to the prompt, text may precede an opening or follow a
 * closing one, and fences inside a string of the block do not count), else between tags such as
 * <code>, else the whole text. The program is the last one that defines the entry point, joined
 * with the blocks of definitions that it uses.
 */
#include "verify/inside.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "answer/answer.h"

struct find {
	const char *s;
	size_t n;
	const char *entry;
	struct block *block;
	size_t n_blocks, cap;
	size_t work;                 /* budget: bytes that may still be read a second time */
	int fenced;                  /* there was a block, even if empty */
};

/* ---- lines and words ---- */

static int blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

static int space(char c)
{
	return c == '\n' || blank(c);
}

static int all_space(const char *s, size_t n)
{
	while (n && space(s[n - 1]))
		n--;
	return !n;
}

static size_t line_end(const char *s, size_t n, size_t at)
{
	const char *end = at < n ? memchr(s + at, '\n', n - at) : NULL;

	return end ? (size_t)(end - s) : n;
}

static size_t next_line(const char *s, size_t n, size_t at)
{
	at = line_end(s, n, at);
	return at < n ? at + 1 : n;
}

static size_t skip_blanks(const char *s, size_t n, size_t at)
{
	while (at < n && blank(s[at]))
		at++;
	return at;
}

static size_t marks(const char *s, size_t n, size_t at)
{
	size_t end = at;

	while (end < n && s[end] == s[at])
		end++;
	return end - at;
}

/* True if the word, ignoring case, is in a list with spaces around each word. */
static int listed(const char *words, const char *s, size_t n)
{
	char word[16];

	if (!n || n > sizeof word - 3 || memchr(s, ' ', n))
		return 0;
	snprintf(word, sizeof word, " %.*s ", (int)n, s);
	return strcasestr(words, word) != NULL;
}

static enum language language(const char *s, size_t n)
{
	if (listed(" python py python2 python3 py2 py3 python3.8 python3.9 python3.10 python3.11 "
	           "python3.12 python3.13 ipython ipython3 pycon sage cython jupyter doctest ",
	           s, n))
		return PYTHON;
	if (listed(" markdown md mdx ", s, n))
		return MARKDOWN;
	if (listed(" bash sh shell zsh fish console terminal cmd powershell text txt plaintext "
	           "plain output out stdout result json jsonl yaml yml toml ini xml html css csv "
	           "sql diff patch js javascript jsx ts typescript java kotlin scala c cpp c++ cc "
	           "cxx h hpp c# csharp cs go golang rust rs ruby rb php perl lua r swift dart "
	           "haskell ocaml julia matlab latex tex math mermaid makefile dockerfile log "
	           "none pseudo pseudocode algorithm ", s, n))
		return ANOTHER;
	return NO_LANGUAGE;
}

/* True if Python starts here rather than a fence's attributes. */
static int code_begins(const char *s, size_t n)
{
	struct py_lexer l;
	struct py_token t;
	size_t end;

	py_start(&l, s, n);
	if (!py_next(&l, &t))
		return 0;
	end = l.at;
	if (py_among(&t, " def class import from async return for while if try with print "))
		return end < n && (blank(s[end]) || s[end] == '(' || s[end] == ':');
	if (t.kind == PY_NAME)
		return n - end > 2 && blank(s[end]) && s[end + 1] == '=' && s[end + 2] != '=';
	return t.kind == PY_STRING || py_is(&t, "@");
}

/* Parses what follows an opening fence: its language; *code: start of the first line of code. 0: it
 * is prose. */
static int info(const char *s, size_t n, size_t at, enum language *lang, size_t *code)
{
	size_t end = line_end(s, n, at), word, stop;

	word = skip_blanks(s, end, at);
	*lang = NO_LANGUAGE;
	*code = end < n ? end + 1 : n;
	if (word == end)
		return 1;
	if (code_begins(s + word, end - word)) {
		*code = word;
		return 1;
	}
	while (word < end && strchr("{.", s[word]) && s[word])
		word++;
	for (stop = word; stop < end && !blank(s[stop]) && s[stop] != '}' && s[stop] != ','; )
		stop++;
	*lang = language(s + word, stop - word);
	if (*lang == NO_LANGUAGE)
		return 0;
	word = skip_blanks(s, end, stop);
	if (word < end && code_begins(s + word, end - word))
		*code = word;
	return 1;
}

/* ---- fences ---- */

struct fence {
	size_t at, run;              /* run 0: none */
	char mark;
	size_t indent;               /* indentation that the block may share */
	int leads;                   /* only white space or a list marker before it */
};

/* Skips white space and quotation marks (>) at the start of a line. */
static size_t unquoted(const char *s, size_t end, size_t at)
{
	at = skip_blanks(s, end, at);
	while (at < end && s[at] == '>')
		at = skip_blanks(s, end, at + 1);
	return at;
}

/* The same, and skips a list marker. */
static size_t lead(const char *s, size_t end, size_t at)
{
	size_t p = unquoted(s, end, at), digits = p;

	while (digits < end && s[digits] >= '0' && s[digits] <= '9')
		digits++;
	if (digits > p && digits + 1 < end && strchr(".)", s[digits]) && blank(s[digits + 1]))
		return skip_blanks(s, end, digits + 1);
	if (p + 1 < end && strchr("-*+", s[p]) && blank(s[p + 1]))
		return skip_blanks(s, end, p + 1);
	return p;
}

struct line {
	size_t at, end, first;       /* its start, its end, start of its text */
};

static struct line line_at(const char *s, size_t n, size_t at)
{
	size_t end = line_end(s, n, at);

	return (struct line){at, end, lead(s, end, at)};
}

/* The next run of at least `least` fence marks on the line, from at on. */
static struct fence on_line(const char *s, const struct line *l, size_t at, size_t least)
{
	for (size_t p = at; p < l->end; p++) {
		size_t run;

		if (s[p] != '`' && (s[p] != '~' || p != l->first))
			continue;
		run = marks(s, l->end, p);
		if (run >= least)
			return (struct fence){p, run, s[p], p == l->first ? p - l->at : 0,
			                      p == l->first};
		p += run - 1;
	}
	return (struct fence){0};
}

static int closes(const char *s, size_t n, const struct fence *open, const struct fence *f)
{
	size_t rest = f->at + f->run;

	if (!f->run || f->mark != open->mark || f->run < open->run)
		return 0;
	/* ~~~ can occur in Python */
	return f->mark == '`' || skip_blanks(s, n, rest) == line_end(s, n, rest);
}

/* The end of a block starting at `from`: the first fence outside the block's strings, or, if the
 * block is then not plausible Python, the first on a line of its own. n if there is none. */
static struct fence block_end(struct find *f, size_t from, const struct fence *open)
{
	struct fence plain = {.at = f->n};
	struct py_lexer l;
	struct py_token t = {0};
	struct line line = line_at(f->s, f->n, from);
	size_t p = from;

	py_start(&l, f->s + from, f->n - from);
	while (p < f->n) {
		struct fence c = on_line(f->s, &line, p, open->run);
		const char *here = f->s + c.at;
		int inside;

		if (!c.run) {
			p = line.end < f->n ? line.end + 1 : f->n;
			line = line_at(f->s, f->n, p);
			continue;
		}
		p = c.at + c.run;
		if (!closes(f->s, f->n, open, &c))
			continue;
		while (f->work && (!t.s || t.s + t.n <= here) && py_next(&l, &t))
			;
		inside = t.s && ((t.s < here && t.s + t.n > here) || (!c.leads && t.s > here));
		if (plain.run && f->work)
			f->work -= f->work > c.at - plain.at ? c.at - plain.at : f->work;
		if (plain.run && (!f->work || (!inside && !py_plausible(f->s + from, c.at - from))))
			return plain;
		if (!inside && (f->work || c.leads))
			return c;
		if (!plain.run && c.leads)
			plain = c;
	}
	if (plain.run && !py_plausible(f->s + from, f->n - from)) {
		f->work -= f->work > f->n - plain.at ? f->n - plain.at : f->work;
		return plain;
	}
	return (struct fence){.at = f->n};
}

/* ---- tags and endings ---- */

static const struct tag {
	const char *open, *close;
} tags[] = {
	{"<code>", "</code>"}, {"<python>", "</python>"}, {"<pre>", "</pre>"},
	{"<answer>", "</answer>"}, {"<solution>", "</solution>"}, {"[PYTHON]", "[/PYTHON]"},
	{"[CODE]", "[/CODE]"}, {"[BEGIN]", "[DONE]"}, {"[ANSWER]", "[/ANSWER]"},
};

static int starts(const char *s, size_t n, size_t at, const char *text)
{
	size_t len = strlen(text);

	return n - at >= len && !strncasecmp(s + at, text, len);
}

/* Length of the text of a special token such as <|im_end|> at at; 0 if there is none. */
static size_t special(const char *s, size_t n, size_t at)
{
	static const char *const plain[] = {"</s>",          "<s>",   "<eos>", "<bos>",
	                                    "<end_of_turn>", "<eot>", "[EOS]", "[/INST]"};
	size_t p = at + 2;

	for (size_t i = 0; i < LEN(plain); i++)
		if (starts(s, n, at, plain[i]))
			return strlen(plain[i]);
	if (starts(s, n, at, "<\xef\xbd\x9c"))
		p = at + 4;
	else if (!starts(s, n, at, "<|"))
		return 0;
	while (p < n && p - at < 64 && s[p] != '>' && s[p] != '\n' && s[p] != ' ')
		p++;
	if (p == n || s[p] != '>' || (s[p - 1] != '|' && (unsigned char)s[p - 1] != 0x9c))
		return 0;
	return p + 1 - at;
}

/* Length of an ending: a special token, or the closing tag of one opened in the prompt. */
static size_t ending(const char *s, size_t n, size_t at)
{
	size_t len = special(s, n, at);

	for (size_t i = 0; !len && i < LEN(tags); i++)
		if (starts(s, n, at, tags[i].close))
			len = strlen(tags[i].close);
	return len;
}

/* Cuts the text before the first line that starts with an ending, or before a special token outside
 * Python strings. */
static size_t end_of_text(const char *s, size_t n)
{
	struct py_lexer l;
	struct py_token t;
	int bar;

	for (size_t at = 0; at < n; at = next_line(s, n, at))
		if (ending(s, n, skip_blanks(s, n, at)))
			n = at;
	py_start(&l, s, n);
	while (py_next(&l, &t)) {
		bar = t.s + 1 < s + n && (t.s[1] == '|' || t.s[1] == '/' || (t.s[1] & 0x80));
		if (t.kind == PY_OP && t.s[0] == '<' && bar && ending(s, n, (size_t)(t.s - s)))
			return (size_t)(t.s - s);
	}
	return n;
}

/* ---- blocks ---- */

/* Replaces an interactive session (>>> and ...) by what was typed. */
static void typed(struct buf *text)
{
	struct buf out = {0};
	size_t first = 0;

	while (first < text->len && space(text->data[first]))
		first++;
	if (text->len - first < 3 || memcmp(text->data + first, ">>>", 3))
		return;
	for (size_t at = 0; at < text->len; at = next_line(text->data, text->len, at)) {
		size_t p = skip_blanks(text->data, text->len, at);
		size_t end = next_line(text->data, text->len, at);

		if (end - p < 4 ||
		    (memcmp(text->data + p, ">>>", 3) && memcmp(text->data + p, "...", 3)))
			continue;
		p += 3;
		buf_add(&out, text->data + p + (text->data[p] == ' '),
		        end - p - (text->data[p] == ' '));
	}
	buf_release(text);
	*text = out;
}

/* Takes a block's text, with each line's indentation reduced by the fence's and without a leading
 * language name. */
static void take(struct find *f, size_t from, size_t to, size_t indent, enum language lang)
{
	const char *s = f->s;
	struct block b = {.language = lang};
	size_t word = skip_blanks(s, to, from);
	int quoted = indent && word < to && s[word] == '>';

	if (to - from >= 3 && !memcmp(s + from, "\xef\xbb\xbf", 3))
		from += 3;
	for (word = from; word < to && space(s[word]); )
		word++;
	if (word < to) {
		size_t end = line_end(s, to, word), stop = end;

		while (stop > word && blank(s[stop - 1]))
			stop--;
		if (end < to && language(s + word, stop - word) == PYTHON)
			from = end + 1;
	}
	for (size_t at = from; at < to; ) {
		size_t end = next_line(s, to, at), p = at;

		while (p < end && p - at < indent && (blank(s[p]) || (quoted && s[p] == '>')))
			p++;
		buf_add(&b.text, s + p, end - p);
		at = end;
	}
	typed(&b.text);
	if (all_space(b.text.data, b.text.len)) {
		buf_release(&b.text);
		return;
	}
	b.defines = f->entry && py_defines(b.text.data, b.text.len, f->entry) &&
	            (lang != ANOTHER || py_plausible(b.text.data, b.text.len));
	VEC_PUSH(f->block, f->n_blocks, f->cap) = b;
}

/* True if a fence with marks up to end surely opens a block: a language or code follows. */
static int surely_opens(const char *s, size_t n, size_t end)
{
	enum language lang;
	size_t code;

	return skip_blanks(s, n, end) < line_end(s, n, end) && info(s, n, end, &lang, &code);
}

/* True if the text before the first fence is code, so that this fence closes one opened in the
 * prompt. */
static int closes_head(const struct find *f, const struct fence *first)
{
	size_t end = first->at + first->run, stop = line_end(f->s, f->n, end), words = 0, other = 0;
	struct py_lexer l;
	struct py_token t;

	if (all_space(f->s, first->at) || !py_plausible(f->s, first->at))
		return 0;
	if (f->entry && py_defines(f->s, first->at, f->entry))
		return 1;
	/* a single word is not code, nor is text before a block that defines the entry point */
	py_start(&l, f->s, first->at);
	while (py_next(&l, &t)) {
		words += t.kind == PY_NAME;
		other += t.kind != PY_NEWLINE && (t.kind != PY_NAME || py_keyword(&t));
	}
	if (!words || !other || surely_opens(f->s, f->n, end))
		return 0;
	return !f->entry || !py_defines(f->s + stop, f->n - stop, f->entry);
}

/* Reads the current fence as an opening one; returns where to continue. */
static size_t open_block(struct find *f, struct fence open, const struct line *line)
{
	size_t end = open.at + open.run, stop = line->end, code;
	size_t next = stop < f->n ? stop + 1 : f->n;
	enum language lang;
	int fits = info(f->s, f->n, end, &lang, &code);
	struct fence close;

	if (open.mark == '`' && memchr(f->s + end, '`', stop - end)) {
		/* inline code, unless it is a program */
		close = on_line(f->s, line, end, open.run);
		if (close.run && f->entry && code < close.at &&
		    py_defines(f->s + code, close.at - code, f->entry))
			take(f, code, close.at, 0, lang);
		return next;
	}
	if ((!fits && !open.leads) || lang == MARKDOWN)
		return next;
	f->fenced = 1;
	close = block_end(f, code, &open);
	if (!close.run)
		close.at = code + end_of_text(f->s + code, f->n - code);
	take(f, code, close.at, open.indent, lang);
	if (!close.run)
		return f->n;
	/* a fence with a language closes the block and opens another */
	end = close.at + close.run;
	return surely_opens(f->s, f->n, end) ? close.at : next_line(f->s, f->n, end);
}

/* True if the text is code with fences only in strings. */
static int only_in_strings(const struct find *f)
{
	return f->entry && memmem(f->s, f->n, "```", 3) && py_plausible(f->s, f->n) &&
	       py_defines(f->s, f->n, f->entry);
}

/* Takes code at the start of the text, up to its closing fence, or all of it if fences are only in
 * strings. Returns where to continue. */
static size_t head(struct find *f)
{
	struct fence backticks = {.run = 3, .mark = '`'}, tildes = {.run = 3, .mark = '~'};
	struct fence close = block_end(f, 0, &backticks);
	size_t end;

	if (!close.run)
		close = block_end(f, 0, &tildes);
	if (close.mark == '~' && memmem(f->s, close.at, "~~~", 3))
		return 0;
	end = close.at + close.run;
	if (close.run ? !closes_head(f, &close) : !only_in_strings(f))
		return 0;
	take(f, 0, close.run ? close.at : end_of_text(f->s, f->n), 0, NO_LANGUAGE);
	return surely_opens(f->s, f->n, end) ? close.at : next_line(f->s, f->n, end);
}

static void fences(struct find *f)
{
	for (size_t at = head(f); at < f->n; ) {
		struct line line = line_at(f->s, f->n, at);
		struct fence open = on_line(f->s, &line, at, 3);

		at = open.run ? open_block(f, open, &line) : line.end + 1;
	}
}

/* ---- text between tags ---- */

/* The opening tag at at, with or without attributes; *end: its end. */
static const struct tag *opening(const char *s, size_t n, size_t at, size_t *end)
{
	for (size_t i = 0; i < LEN(tags); i++) {
		size_t name = strlen(tags[i].open) - 1, stop = at + name;

		if (n - at <= name || strncasecmp(s + at, tags[i].open, name))
			continue;
		if (s[at] == '<' && blank(s[stop]))
			while (stop < n && s[stop] != '>' && s[stop] != '\n')
				stop++;
		*end = stop + 1;
		if (stop < n && s[stop] == tags[i].open[name])
			return &tags[i];
	}
	return NULL;
}

static void tagged(struct find *f)
{
	for (size_t at = 0; at < f->n; at = next_line(f->s, f->n, at)) {
		size_t p, end;
		const struct tag *t = opening(f->s, f->n, skip_blanks(f->s, f->n, at), &p);

		if (!t)
			continue;
		/* nested tags are HTML, which is not supported; of two opening lines the inner
		 * counts */
		for (end = p; end < f->n && space(f->s[end]); )
			end++;
		if (opening(f->s, f->n, end, &end))
			continue;
		for (end = p; end < f->n && !starts(f->s, f->n, end, t->close); )
			end++;
		if (skip_blanks(f->s, f->n, p) == line_end(f->s, f->n, p))
			p = next_line(f->s, f->n, p);
		if (p < end)
			take(f, p, end, 0, NO_LANGUAGE);
		at = end < f->n ? end : f->n - 1;
	}
}

/* Skips special tokens at the start of a text. */
static size_t start_of_text(const char *s, size_t n)
{
	size_t start = 0, at = 0, len;

	for (;;) {
		while (at < n && space(s[at]))
			at++;
		len = special(s, n, at);
		if (!len)
			return start;
		at += len;
		start = at = at < n && s[at] == '\n' ? at + 1 : at;
	}
}

int program_find(const char *s, size_t n, const char *entry, struct buf *out)
{
	size_t from = answer_after_thinking(s, n);
	struct find f = {.entry = entry, .work = 8 * n};

	from += start_of_text(s + from, n - from);
	f.s = s + from;
	f.n = n - from;
	buf_clear(out);
	fences(&f);
	if (!f.fenced && !f.n_blocks)
		tagged(&f);
	if (!f.fenced && !f.n_blocks)
		take(&f, 0, end_of_text(f.s, f.n), 0, NO_LANGUAGE);
	if (f.n_blocks)
		blocks_join(f.block, f.n_blocks, entry, out);
	for (size_t i = 0; i < f.n_blocks; i++)
		buf_release(&f.block[i].text);
	free(f.block);
	return out->len > 0;
}
