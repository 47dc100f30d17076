/* SPDX-License-Identifier: MIT */
/* Programs in responses: tables of text, and what lib/verify takes for the program and puts
 * together to run. */
#include <stdlib.h>
#include <string.h>

#include "tap.h"
#include "verify/program.h"

#define DEF "def f(a):\n    return a\n"
#define OLD "def f(a):\n    return 0\n"

/* What is found; want NULL: nothing. The entry point is f. */
static const struct { const char *name, *text, *want; } found[] = {
	{"no fence", "def f(): pass", "def f(): pass"},
	{"one", "Hi\n```python\n" DEF "```\nbye", DEF},
	{"the last that defines", "```\n" OLD "```\n```\n" DEF "```\n```\nprint(f())\n```", DEF},
	{"none defines: the last", "```\na\n```\n```\nb\n```", "b\n"},
	{"not closed", "```py\n" DEF, DEF},
	{"tildes, and backticks inside", "~~~\ns = '''\n```\n'''\ndef f(): s\n~~~",
	 "s = '''\n```\n'''\ndef f(): s\n"},
	{"longer fence", "````\ndef f():\n    '```'\n```\n````", "def f():\n    '```'\n```\n"},
	{"indented", "1. So:\n   ```python\n   def f():\n       pass\n   ```\n",
	 "def f():\n    pass\n"},
	{"inline code is none", "```x``` and\ndef f(): 1", "```x``` and\ndef f(): 1"},
	{"body alone keeps its indentation", "```\n    return 1\n```", "    return 1\n"},
	{"a longer name does not count", "```\ndef f(): 1\n```\n```\ndef ff(): 2\n```",
	 "def f(): 1\n"},
	{"assignment", "```\nf = lambda: 1\n```\n```\nf == 2\n```", "f = lambda: 1\n"},
	{"async, class", "```\nasync  def f(): 1\n```\n```\nx\n```", "async  def f(): 1\n"},
	{"nothing in it", "```\n\n```", NULL},
	{"blank", " \n\t", NULL},
	{"nothing", "", NULL},
	{"a mark of order alone", "\xef\xbb\xbf", NULL},
	{"carriage returns", "```python\r\ndef f(): 1\r\n```\r\n", "def f(): 1\r\n"},
	/* the prompt opened the fence */
	{"lone closer", DEF "```", DEF},
	{"lone closer, prose", DEF "```\n\nHope this helps!", DEF},
	{"lone closer, prose on its line", DEF "``` This is it.", DEF},
	{"lone closer, tag", DEF "```</answer>", DEF},
	{"lone closer, longer", DEF "````\n", DEF},
	{"lone closer, a use after it", DEF "```\n```python\nprint(f(1))\n```", DEF},
	{"lone closer of a body", "    return 1\n```", "    return 1\n"},
	{"lone closer of a body, prose", "    return 1\n```\n\nExplanation.", "    return 1\n"},
	{"lone closer of a stripped body", "return a\n```", "return a\n"},
	{"lone closer, the language before", "python\n" DEF "```", DEF},
	{"lone closer, the language after a line", "\npython\n" DEF "```", DEF},
	{"lone closer, a docstring's fence before",
	 "def f(a):\n    '''\n    ```\n    f(1)\n    ```\n    '''\n" "    return a\n```\nSo.",
	 "def f(a):\n    '''\n    ```\n    f(1)\n    ```\n    '''\n" "    return a\n"},
	{"no fence but in a docstring", "def f(a):\n    '''\n    ```\n    f(1)\n    ```\n    '''\n"
	 "    return a\n", "def f(a):\n    '''\n    ```\n    f(1)\n    ```\n    '''\n"
	 "    return a\n"},
	{"a title is no code", "Solution\n```\n" DEF "```", DEF},
	{"a title with a colon is none", "Solution:\n```\n" DEF "```", DEF},
	{"a call introduces", "f(x)\n```\n" DEF "```", DEF},
	{"a heading", "# The code\n```\n" DEF "```", DEF},
	{"bare code, then a fence with a better one", OLD "```python\n" DEF "```", DEF},
	{"bare code, then its use", DEF "```python\nprint(f(1))\n```", DEF},
	{"lone closer of tildes", DEF "~~~\n", DEF},
	/* around fences */
	{"in a quotation", "> So:\n> ```python\n> def f(a):\n>     return a\n> ```\nx", DEF},
	{"text behind a closer", "```python\n" DEF "``` This adds.", DEF},
	{"a tag behind a closer", "<answer>\n```python\n" DEF "```</answer>", DEF},
	{"a closer behind code", "```python\ndef f(a): return a```", "def f(a): return a"},
	{"a closer behind code, prose", "```python\ndef f(a): return a``` Done.",
	 "def f(a): return a"},
	{"prose before an opener", "**Solution:** ```\n" DEF "```", DEF},
	{"prose before an opener with a language", "Here it is: ```python\n" DEF "```", DEF},
	{"prose with marks in it", "Use ``` and a word\n" DEF, "Use ``` and a word\n" DEF},
	{"code on the opener's line", "```python def f(a):\n    return a\n```", DEF},
	{"code on the opener's line, no language", "```def f(a):\n    return a\n```", DEF},
	{"all on one line", "```python def f(a): return a```", "def f(a): return a"},
	{"all on one line, in prose", "It is ```def f(a): return a``` then", "def f(a): return a"},
	{"an import on the opener's line", "```py import math\n" DEF "```", "import math\n" DEF},
	{"attributes", "```python title=\"a.py\" linenums\n" DEF "```", DEF},
	{"attributes in braces", "```{.python .numberLines}\n" DEF "```", DEF},
	{"R Markdown", "```{python}\n" DEF "```", DEF},
	{"a file's name", "```solution.py\n" DEF "```", DEF},
	{"capitals", "```Python\n" DEF "```", DEF},
	{"a space", "``` python \n" DEF "```", DEF},
	{"the language alone on a line", "```\npython\n" DEF "```", DEF},
	{"the next block's opener closes", "```python\n" OLD "```python\n" DEF "```", DEF},
	{"closed by a language", "```\nHi.\n```python\n" DEF "```\n", DEF},
	{"list with a mark before the fence", "1. ```python\n   def f(a):\n       return a\n   ```",
	 DEF},
	{"list with a dash", "- ```python\n  def f(a):\n      return a\n  ```", DEF},
	{"four spaces in a list", "- so:\n\n    ```python\n    def f(a):\n        return a\n"
	 "    ```", DEF},
	{"tabs", "- so:\n\n\t```python\n\tdef f(a):\n\t\treturn a\n\t```",
	 "def f(a):\n\treturn a\n"},
	{"all lines indented", "```python\n    def f(a):\n        return a\n```", DEF},
	{"all lines indented, no fence", "    def f(a):\n        return a\n", DEF},
	{"an empty block last", "```python\n" DEF "```\n```python\n```", DEF},
	{"a stray fence last", "```python\n" DEF "```\n\n```\n", DEF},
	{"the other mark does not close", "```python\n" DEF "~~~", DEF "~~~"},
	{"a shorter one does not close", "````python\n" DEF "```", DEF "```"},
	{"a fence cut off", "```python\n" DEF "\n``", DEF "\n``"},
	{"tildes around a fence", "~~~\n```python\n" DEF "```\n~~~", "```python\n" DEF "```\n"},
	{"tildes as operators", "~~~python\ndef f(a): return (\n~~~a)\n~~~\n",
	 "def f(a): return (\n~~~a)\n"},
	{"Markdown around", "```markdown\n# Answer\n```python\n" DEF "```\n```", DEF},
	{"Markdown around, longer", "````md\n```python\n" DEF "```\n````\n", DEF},
	{"a mark of order before a fence", "\xef\xbb\xbf```python\n" DEF "```", DEF},
	{"a mark of order before code", "\xef\xbb\xbf" DEF, DEF},
	{"a mark of order in a fence", "```python\n\xef\xbb\xbf" DEF "```", DEF},
	/* fences in strings and comments */
	{"a docstring's fence", "```python\ndef f(a):\n    \"\"\"\n    ```\n    f(1)\n"
	 "    ```\n    \"\"\"\n    return a\n```",
	 "def f(a):\n    \"\"\"\n    ```\n    f(1)\n    ```\n" "    \"\"\"\n    return a\n"},
	{"at the margin", "```python\ns = '''\n```\n'''\n" DEF "```\nx", "s = '''\n```\n'''\n" DEF},
	{"with a language", "```python\ns = '''\n```python\nf(1)\n```\n'''\n" DEF "```",
	 "s = '''\n```python\nf(1)\n```\n'''\n" DEF},
	{"in a comment", "```python\n# use ``` here\n" DEF "```", "# use ``` here\n" DEF},
	{"in a string of one line", "```python\ns = '```'\n" DEF "```", "s = '```'\n" DEF},
	{"never closed", "```python\ns = '''\n```\n'''\n" DEF, "s = '''\n```\n'''\n" DEF},
	{"a string that does not end", "```\n'''\n```\n```python\n" DEF "```", DEF},
	{"a docstring cut off, then the whole",
	 "```python\ndef f(a):\n    '''It is\n```\nSo:\n```python\n"
	 "def f(a):\n    '''A it\n    is.'''\n    return a\n```",
	 "def f(a):\n    '''A it\n    is.'''\n    return a\n"},
	{"an apostrophe", "```text\nIt's\n```\n```python\n" DEF "```\nIt's", DEF},
	{"a fence in an f-string", "```python\ns = f'''{a}\n```\n'''\n" DEF "```",
	 "s = f'''{a}\n```\n'''\n" DEF},
	/* what looks like a definition */
	{"a method", "```\n" DEF "```\n```\nclass A:\n    def f(self): 1\n```", DEF},
	{"a keyword", "```\n" DEF "```\n```\nx = dict(\nf=3)\n```", DEF},
	{"a line of a string", "```\n" DEF "```\n```\ns = '''\ndef f(a):\n    1\n'''\n```", DEF},
	{"a comparison", "```\n" DEF "```\n```\nf == 1\n```", DEF},
	{"a local", "```\n" DEF "```\n```\ndef g():\n    f = 1\n```", DEF},
	{"a loop's variable", "```\n" DEF "```\n```\nfor f in []: pass\n```", DEF},
	{"an annotation without a value", "```\n" DEF "```\n```\nf: int\n```", DEF},
	{"an attribute", "```\n" DEF "```\n```\nf.x = 1\nf[0] = 1\n```", DEF},
	{"a comment", "```\n" DEF "```\n```\n# def f(a): 1\nx = 1\n```", DEF},
	{"an indented method alone", "```\n" DEF "```\n```\n    def f(self): 1\n```", DEF},
	{"a default", "```\n" DEF "```\n```\ndef g(f=1): 1\n```", DEF},
	{"an argument over lines", "```\n" DEF "```\n```\ng(1,\nf = 2)\n```", DEF},
	{"a continued line", "```\n" DEF "```\n```\nx = 1 + \\\nf\n```", DEF},
	{"another language", "```\n" DEF "```\n```js\nfunction f(a) {}\n```", DEF},
	{"prose in a text block", "```\n" DEF "```\n```text\ndef f(a) is it\n```", DEF},
	/* definitions */
	{"annotated", "```\nf: int = lambda a: a\n```\n```\n1\n```", "f: int = lambda a: a\n"},
	{"tuple", "```\n(f, g), h = (1, 2), 3\n```\n```\n1\n```", "(f, g), h = (1, 2), 3\n"},
	{"starred", "```\ng, *f = 1, 2\n```\n```\n1\n```", "g, *f = 1, 2\n"},
	{"chained", "```\ng = f = h\n```\n```\n1\n```", "g = f = h\n"},
	{"import as", "```\nimport a.b as f\n```\n```\n1\n```", "import a.b as f\n"},
	{"from import", "```\nfrom a import f\n```\n```\n1\n```", "from a import f\n"},
	{"from import as, in brackets", "```\nfrom a import (b,\n  c as f,\n)\n```\n```\n1\n```",
	 "from a import (b,\n  c as f,\n)\n"},
	{"within if", "```\nif 1:\n    def f(a): 1\n```\n```\n1\n```", "if 1:\n    def f(a): 1\n"},
	{"within try", "```\ntry:\n  from a import f\nexcept E:\n  f = 1\n```\n```\n" "1\n```",
	 "try:\n  from a import f\nexcept E:\n  f = 1\n"},
	{"behind a semicolon", "```\nx = 1; f = 2\n```\n```\n1\n```", "x = 1; f = 2\n"},
	{"decorated", "```\n@cache\ndef f(a): 1\n```\n```\n1\n```", "@cache\ndef f(a): 1\n"},
	{"over lines", "```\ndef \\\n  f (\n  a): 1\n```\n```\n1\n```", "def \\\n  f (\n  a): 1\n"},
	/* ends */
	{"an end token", DEF "<|im_end|>", DEF},
	{"an end token on the last line", "def f(a): return a<|endoftext|>", "def f(a): return a"},
	{"several", DEF "<|eot_id|></s>\n", DEF},
	{"</s>", DEF "</s>", DEF},
	{"<eos>", DEF "<eos>", DEF},
	{"Gemma's", DEF "<end_of_turn>\n", DEF},
	{"DeepSeek's", DEF "<\xef\xbd\x9c" "end\xe2\x96\x81of\xe2\x96\x81sentence\xef\xbd\x9c>",
	 DEF},
	{"behind a fence", "```python\n" DEF "```<|im_end|>", DEF},
	{"in a fence that is not closed", "```python\n" DEF "<|im_end|>\n", DEF},
	{"what follows an end token", DEF "<|im_end|>\n<|im_start|>user\nThanks", DEF},
	{"in a string it is none", "def f(a):\n    return a + '<|im_end|>' + '</s>'",
	 "def f(a):\n    return a + '<|im_end|>' + '</s>'"},
	{"comparisons are none", "def f(a):\n    return a <b> a", "def f(a):\n    return a <b> a"},
	{"special tokens first", "<s><|assistant|>\n" DEF "</s>", DEF},
	{"special tokens before a body", "<|assistant|>\n    return a\n", "    return a\n"},
	/* tags */
	{"attributes of a tag", "<code class=\"python\">\n" DEF "</code>", DEF},
	{"a longer tag", "<codes>\n" DEF "</codes>", "<codes>\n" DEF "</codes>"},
	{"code", "<code>\n" DEF "</code>", DEF},
	{"python", "So: \n<python>\n" DEF "</python>\nThat is it.", DEF},
	{"pre", "<pre>\n" DEF "</pre>", DEF},
	{"answer", "<answer>\n" DEF "</answer>", DEF},
	{"two lines of tags", "<answer>\n<code>\n" DEF "</code>\n</answer>", DEF},
	{"brackets", "[PYTHON]\n" DEF "[/PYTHON]", DEF},
	{"MBPP's own", "[BEGIN]\n" DEF "[DONE]\n", DEF},
	{"the prompt opened it", DEF "[DONE]\n\nYou are", DEF},
	{"the prompt opened it, a tag", DEF "</answer>\n", DEF},
	{"not closed, code on its line", "<code>def f(a):\n    return a\n", DEF},
	{"HTML is not read", "<pre><code>" DEF "</code></pre>", "<pre><code>" DEF},
	{"a fence within", "<answer>\n```python\n" DEF "```\n</answer>", DEF},
	{"a fence within, not closed", "<answer>\n```python\n" DEF "</answer>", DEF},
	/* reasoning */
	{"reasoning", "<think>\n```python\n" DEF "```\n</think>\n```python\ndef f(a): 2\n```",
	 "def f(a): 2\n"},
	{"unfinished reasoning", "<think>\n```python\n" DEF "```\n", NULL},
	/* sessions */
	{"at the prompt", "```\n>>> def f(a):\n...     return a\n...\n>>> f(1)\n1\n```",
	 "def f(a):\n    return a\n\nf(1)\n"},
	{"a session last", "```python\n" DEF "```\n```\n>>> f(1)\n1\n```", DEF},
	/* blocks that belong together */
	{"helper before", "```\ndef g(): 1\n```\n```\ndef f(a): g()\n```",
	 "def g(): 1\ndef f(a): g()\n"},
	{"helper after", "```\ndef f(a): g()\n```\n```\ndef g(): 1\n```",
	 "def f(a): g()\ndef g(): 1\n"},
	{"import before", "```\nimport math\n```\n```\ndef f(a): math\n```",
	 "import math\ndef f(a): math\n"},
	{"helper of a helper", "```\nH = 1\n```\n```\ndef g(): H\n```\n```\ndef f(a): g()\n" "```",
	 "H = 1\ndef g(): H\ndef f(a): g()\n"},
	{"not needed", "```\ndef g(): 1\n```\n```\ndef f(a): 1\n```", "def f(a): 1\n"},
	{"it does more than define", "```\ndef g(): 1\nprint(g())\n```\n```\ndef f(a): g()\n```",
	 "def f(a): g()\n"},
	{"defined anew", "```\ndef g(): 1\n```\n```\ndef g(): 2\ndef f(a): g()\n```",
	 "def g(): 2\ndef f(a): g()\n"},
	{"the later helper", "```\ndef g(): 1\n```\n```\ndef g(): 2\n```\n```\n"
	 "def f(a): g()\n```", "def g(): 2\ndef f(a): g()\n"},
	{"a builtin's name", "```\ndef sum(x): 1\n```\n```\ndef f(a): sum(a)\n```",
	 "def f(a): sum(a)\n"},
	{"a use of the entry point", "```\ndef g(): f(1)\n```\n```\ndef f(a): g\n```",
	 "def f(a): g\n"},
	{"a variable", "```\nx = 1\n```\n```\ndef f(a):\n    x = a\n```", "def f(a):\n    x = a\n"},
	{"futures of two blocks", "```\nfrom __future__ import annotations\ndef g(): 1\n```\n"
	 "```\nfrom __future__ import division\ndef f(a): g()\n```",
	 "from __future__ import annotations\n" "from __future__ import division\n\ndef g(): 1\n\n"
	 "def f(a): g()\n"},
	/* none defines */
	{"a body and its use", "```python\n    return a\n```\n```python\nprint(f(1))\n```",
	 "    return a\n"},
	{"a dedented body and its use", "```python\nreturn a\n```\n```python\nprint(f(1))\n```",
	 "return a\n"},
	{"a body and what it prints", "```python\n    x(a)\n```\n```text\n    1\n```",
	 "    x(a)\n"},
	{"another language alone", "```js\nx\n```", "x\n"},
};

#define ASK "import m\ndef f(a):\n    \"\"\" It. \"\"\"\n"
#define BARE "import m\ndef f(a):\n"

/* What is run. */
static const struct { const char *name, *prompt, *program, *want; } composed[] = {
	{"no prompt", NULL, DEF, DEF},
	{"a body", ASK, "    return 1\n", ASK "    return 1\n"},
	{"the whole", ASK, DEF, ASK DEF},
	{"the whole after a bare def", BARE, DEF, "import m\n" DEF},
	{"after a comment", "import m\ndef f(a):  # so\n    # and so\n", DEF, "import m\n" DEF},
	{"after a docstring cut off", "import m\ndef f(a):\n    '''It\n", DEF, "import m\n" DEF},
	{"after an open bracket", "import m\ndef f(a,\n", DEF, "import m\n" DEF},
	{"after a decorated bare def", "import m\n@m.c\ndef f(a):\n", DEF, "import m\n" DEF},
	{"after a loop", "import m\ndef f(a):\n    for x in a:\n", DEF, "import m\n" DEF},
	{"a body after a docstring cut off", "def f(a):\n    '''It\n", "    is'''\n    return a\n",
	 "def f(a):\n    '''It\n    is'''\n    return a\n"},
	{"a body after a bare def", BARE, "    return 1\n", BARE "    return 1\n"},
	{"no line break", "def f(a):\n    'x'", "    return 1\n",
	 "def f(a):\n    'x'\n    return 1\n"},
	/* lost indentation */
	{"one line", ASK, "return 1\n", ASK "    return 1\n"},
	{"the first line", ASK, "x = a\n    return x\n", ASK "    x = a\n    return x\n"},
	{"all lines", ASK, "x = a\nreturn x\n", ASK "    x = a\n    return x\n"},
	{"all lines, blocks", ASK, "for x in a:\n    if x:\n        return x\nreturn 1\n", ASK
	 "    for x in a:\n        if x:\n            return x\n" "    return 1\n"},
	{"the first line, a block's", ASK, "for x in a:\n        y(x)\n    return 1\n", ASK
	 "    for x in a:\n        y(x)\n    return 1\n"},
	{"the first line, then a use", ASK, "x = a\n    return x\n\nprint(f(1))\n", ASK
	 "    x = a\n    return x\n\nprint(f(1))\n"},
	{"all lines after a bare def", BARE, "x = a\nreturn x\n", BARE "    x = a\n    return x\n"},
	{"two columns", "def f(a):\n  'x'\n", "return 1", "def f(a):\n  'x'\n  return 1"},
	{"a tab", "def f(a):\n\t'x'\n", "return 1", "def f(a):\n\t'x'\n\treturn 1"},
	{"strings keep their lines", ASK, "x = '''\ny'''\nreturn x", ASK
	 "    x = '''\ny'''\n    return x"},
	{"brackets keep theirs", ASK, "return (1,\n2)", ASK "    return (1,\n2)"},
	{"a helper within", ASK, "def g(x):\n    return x\nreturn g(a)", ASK
	 "    def g(x):\n        return x\n    return g(a)"},
	{"a generator", ASK, "for x in a: yield x", ASK "    for x in a: yield x"},
	{"return, then the function", ASK, "return 1\n\n" DEF, ASK "    return 1\n\n" DEF},
	{"a body, then the function", BARE, "    return 1\n\n" DEF, BARE "    return 1\n\n" DEF},
	{"a comment first", ASK, "# so\nreturn 1", ASK "# so\n    return 1"},
	/* and what has not lost any */
	{"a helper alone", ASK, "def g(x):\n    return x\n", ASK "def g(x):\n    return x\n"},
	{"another indentation", ASK, "  return 1", ASK "  return 1"},
	{"prose", ASK, "I can't.", ASK "I can't."},
	{"a lambda with yield", ASK, "globals()['f'] = lambda a: a", ASK
	 "globals()['f'] = lambda a: a"},
	/* __future__ */
	{"future", ASK, "from __future__ import annotations\n" DEF,
	 "from __future__ import annotations\n" ASK "\n" DEF},
	{"behind a docstring and comments", ASK,
	 "# x\n\"\"\"Doc.\"\"\"\n\nfrom __future__ import (\n" "  annotations,\n)\n" DEF,
	 "from __future__ import (\n  annotations,\n)\n" ASK "# x\n\"\"\"Doc.\"\"\"\n\n\n\n\n" DEF},
	{"two, and a semicolon", ASK,
	 "from __future__ import division; from __future__ import annotations; import x\n" DEF,
	 "from __future__ import division\n" "from __future__ import annotations\n" ASK "import x\n"
	 DEF},
	{"of the prompt, too", "from __future__ import division\n" ASK,
	 "from __future__ import annotations\n" DEF, "from __future__ import division\n"
	 "from __future__ import annotations\n\n" ASK "\n" DEF},
	{"in a string it is none", ASK, "x = '''\nfrom __future__ import y\n'''\n" DEF, ASK
	 "x = '''\nfrom __future__ import y\n'''\n" DEF},
	{"too late", ASK, "import x\nfrom __future__ import y\n" DEF, ASK
	 "import x\nfrom __future__ import y\n" DEF},
	{"at the very end", ASK, "from __future__ import y", "from __future__ import y\n" ASK},
	{"a mark of order", ASK, "\xef\xbb\xbf" "from __future__ import y\n",
	 "from __future__ import y\n" ASK "\xef\xbb\xbf\n"},
};

/* Problems that are code themselves, and those that are not. */
static const struct { const char *text; int code; } begun[] = {
	{ASK, 1}, {BARE, 1}, {"def f(a,\n", 1}, {"def f(a):\n    '''It\n", 1},
	{"from m import f\n", 1}, {"", 0}, {"Write a function f(a).", 0},
	{"Complete this.\ndef f(a):\n", 0}, {"def f(a):\n\nIt returns a.", 0},
	{"Write f.\n\n    def f(a):\n", 0}, {"class A:\n    def f(self):\n", 0},
	{"def g(a):\n    return a\n", 0},
};

static int equals(const struct buf *b, const char *want)
{
	return b->len == strlen(want) && !memcmp(b->data ? b->data : "", want, b->len);
}

static void find_all(struct buf *out)
{
	for (size_t i = 0; i < LEN(found); i++) {
		char *exact = xmemdup(found[i].text, strlen(found[i].text));
		int any = program_find(exact, strlen(found[i].text), "f", out);
		const char *want = found[i].want;

		if (!ok(any == (want != NULL) && (!want || equals(out, want)), "found: %s",
		        found[i].name))
			diag("got %.*s", (int)out->len, out->data ? out->data : "");
		free(exact);
	}
	ok(program_find("```\na\n```", 9, NULL, out) && equals(out, "a\n"), "no entry point known");
}

static void compose_all(struct buf *out)
{
	for (size_t i = 0; i < LEN(composed); i++) {
		const char *prompt = composed[i].prompt;
		struct buf program = {0};

		buf_adds(&program, composed[i].program);
		program_compose(prompt, prompt ? strlen(prompt) : 0, &program, "f", out);
		if (!ok(equals(out, composed[i].want), "composed: %s", composed[i].name))
			diag("got %.*s", (int)out->len, out->data ? out->data : "");
		buf_release(&program);
	}
}

/* Much of what makes a search begin again and again: this ends only if each of them is
 * linear. */
static void linear(struct buf *out)
{
	static const char *const pieces[] = {
		"```\n", "```python\n", "```\n'''\n", "```\n\\\"\"\"\n", "```\n'''\n\"\"\"\n",
		"~~~\n```\n", "`", "``` ", "f'''{'''", "f'{", "f'''{f'''{", "(", "[", "f = ",
		"f, ", "```\ndef g(): f\n```\n```\nH = g\n```\n", "<code>\n", "<code>", "<|",
		"[DONE]", "<answer>\n</answer>\n", "'''", "\\\n", "x=\n", " ", "\n\t", "#",
		"```\n'''\n```x\n", "    def f():\n", "from __future__ import f;", "if x:\n",
		"match ", "lambda:", "```def f(): 1``` ", "<think>", "1. ", "\\\"\"\"```\n",
		">>> ", "python\n", "```\ndef f(): 1\n```\n```\nimport g\n```\n", "import a, ",
		"@f\n",
	};
	struct buf text = {0}, program = {0};

	for (size_t i = 0; i < LEN(pieces); i++) {
		buf_clear(&text);
		while (text.len < 1 << 18)
			buf_adds(&text, pieces[i]);
		program_find(text.data, text.len, "f", &program);
		program_compose(text.data, text.len, &program, "f", out);
	}
	ok(1, "%zu times 256 KiB", LEN(pieces));
	buf_release(&text);
	buf_release(&program);
}

int main(void)
{
	struct buf out = {0};

	find_all(&out);
	for (size_t i = 0; i < LEN(begun); i++)
		ok(program_begins(begun[i].text, strlen(begun[i].text), "f") == begun[i].code,
		   "begun: case %zu", i);
	compose_all(&out);
	linear(&out);
	buf_release(&out);
	return done();
}
