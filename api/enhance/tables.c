/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tables.c - kinds of work and fields of knowledge, by the words that tell
 * them.  One more is one row more; a field before another wins its place.
 */
#include <stddef.h>

#include "api/enhance/reading.h"

#define CODE_NOUNS                                                             \
	{                                                                      \
		"function", "script", "class", "program", "code", "api",       \
			"endpoint", "module", "library", "query", "regex",     \
			"app", "application", "cli", "tool", "parser",         \
			"algorithm", "component", "service", "method", "test", \
			"tests", "bot",                                        \
	}

const struct work works[] = {
	{
		.name = "mend",
		.words = {"fix", "debug", "repair", "solve", "troubleshoot",
			  "doesn't work", "does not work", "not working",
			  "fails", "crashes", "broken", "error", "bug"},
		.order = "Find the cause of the problem and mend it:",
		.steps =
			{"Say what the symptom shows and what it does not "
			 "show.",
			 "Name the likely causes, the most likely first, and "
			 "what would tell them apart.",
			 "Give the change that mends the cause, not the "
			 "symptom.",
			 "Say how to see that it is mended, and how to keep it "
			 "from coming back."},
		.examples = {"the smallest case that shows the fault, before "
			     "and after the change",
			     "a case that worked before and still works"},
		.form = "cause, change, proof",
		.checks = {"Does the change mend the cause that was named?",
			   "Is what worked before unchanged?",
			   "Can the reader reproduce the fault and its "
			   "absence?"},
	},
	{
		.name = "improve",
		.words = {"refactor", "optimize", "optimise", "improve",
			  "speed up", "simplify", "rewrite", "modernize",
			  "clean up", "make it faster"},
		.order = "Improve",
		.steps = {"Say what is weak now and how that is measured.",
			  "Propose the changes, the one with the most gain "
			  "first.",
			  "Give the improved version whole.",
			  "Compare before and after."},
		.examples = {"one place before and after, side by side",
			     "a case that shows the gain in numbers"},
		.form = "findings, improved version, comparison",
		.checks = {"Does it still do what it did?",
			   "Is the gain shown and not only claimed?",
			   "Is every change justified?"},
	},
	{
		.name = "review",
		.words = {"review", "audit", "analyze", "analyse", "assess",
			  "check", "inspect", "critique", "evaluate"},
		.order = "Review",
		.steps = {"Say what was looked at and by which measure.",
			  "List what you find, the most serious first, with "
			  "the place of each.",
			  "For each finding say the consequence and the "
			  "remedy.",
			  "Say what is good and should stay, and what you "
			  "could not judge."},
		.examples = {"one finding worked out in full: place, "
			     "consequence, remedy"},
		.form = "a table of findings (place, severity, consequence, "
			"remedy), then a summary",
		.checks = {"Does each finding name its place and its remedy?",
			   "Is the order by severity?",
			   "Is what could not be judged said?"},
	},
	{
		.name = "compare",
		.words = {"compare", "versus", "vs", "difference between",
			  "differences between", "which is better", "choose",
			  "pros and cons", "trade-offs", "alternatives",
			  "recommend"},
		.order = "Compare",
		.steps = {"Name the criteria that matter here, and why.",
			  "Judge each candidate by each criterion, with facts.",
			  "Say in which situation each one is the better "
			  "choice.",
			  "Recommend one and say what would change your mind."},
		.examples = {"a situation in which each candidate wins"},
		.form = "a table (criteria by candidates), then the "
			"recommendation",
		.checks = {"Is each candidate judged by the same criteria?",
			   "Is each claim a fact that can be looked up?",
			   "Does the recommendation follow from the table?"},
	},
	{
		.name = "summarise",
		.words = {"summarize", "summarise", "summary", "tl;dr",
			  "condense", "shorten", "key points", "abstract"},
		.order = "Summarise",
		.steps = {"State the main point in one sentence.",
			  "Give the points that support it, in order of "
			  "weight.",
			  "Keep figures, names and dates exactly; add nothing "
			  "that is not in the source."},
		.examples = {"one point of the source beside its place in the "
			     "summary"},
		.form = "one sentence, then bullet points",
		.checks = {"Is every statement in the source?",
			   "Is nothing of weight left out?",
			   "Are figures, names and dates right?"},
	},
	{
		.name = "translate",
		.words = {"translate", "translation", "localize", "localise"},
		.order = "Translate",
		.steps = {"Keep meaning, tone and form.",
			  "Keep names, code and figures as they are.",
			  "Where a term has several meanings, choose by the "
			  "context and say so in a note."},
		.examples = {"one sentence of the source with its translation"},
		.form = "the translation, then notes on doubtful places",
		.checks = {"Would a native speaker write it so?",
			   "Is nothing left out and nothing added?"},
	},
	{
		.name = "explain",
		.words = {"explain", "describe", "what is", "what are",
			  "how does", "how do", "why does", "why do", "why is",
			  "teach", "understand", "tell me about", "learn"},
		.order = "Explain",
		.steps = {"Begin with the answer in one or two sentences.",
			  "Build on what the reader knows.",
			  "Explain each term at its first use.",
			  "Show it by an example from beginning to end.",
			  "Say where the usual mistakes lie.",
			  "Say what to read or try next."},
		.examples = {"an everyday comparison that holds",
			     "one worked example with real values",
			     "one common mistake and its correction"},
		.form = "short sections with headings",
		.checks = {"Is every term explained before it is used?",
			   "Does the example show the point?",
			   "Could the reader now explain it to somebody "
			   "else?"},
	},
	{
		.name = "plan",
		.words = {"plan", "design", "architect", "roadmap", "organize",
			  "organise", "strategy", "schedule", "structure",
			  "propose"},
		.order = "Plan",
		.steps = {"State the aim and how its success is measured.",
			  "List what is given, what is assumed and what is "
			  "open.",
			  "Give the steps in order, each with its result and "
			  "what it depends on.",
			  "Name the risks and what is done about each.",
			  "Say what to decide first."},
		.examples = {"one step worked out in full: input, work, "
			     "result"},
		.form = "numbered steps, then a table of risks",
		.checks = {"Does each step have a result that can be checked?",
			   "Do the steps together reach the aim?",
			   "Is every assumption marked as one?"},
	},
	{
		.name = "write a program",
		.words = {"write", "create", "implement", "build", "code",
			  "program", "develop", "generate", "make", "add",
			  "need", "want"},
		.nouns = CODE_NOUNS,
		.order = "Write",
		.steps = {"Say what goes in, what comes out and what happens "
			  "when the input is wrong.",
			  "Write the code whole, ready to run, nothing left to "
			  "be filled in.",
			  "Write tests: the ordinary case, the limits (empty, "
			  "one, many, very large) and wrong input.",
			  "Show how to run both.",
			  "Name what the code does not do."},
		.examples = {"one call with an ordinary input and its result",
			     "one call at a limit (empty, very large)",
			     "one call with wrong input and its error"},
		.form = "code in fenced blocks, one a file, each with its "
			"name; "
			"then the commands to run it",
		.checks = {"Does the code run as it stands?",
			   "Do the tests fail if the code is wrong?",
			   "Does each error say what is wrong and what would "
			   "be right?",
			   "Is everything that was asked for there?"},
	},
	{
		.name = "write a text",
		.words = {"write", "draft", "compose", "create", "generate",
			  "prepare", "make"},
		.order = "Write",
		.steps = {"State the purpose of the text in one sentence, for "
			  "yourself.",
			  "Begin with what matters most to the reader.",
			  "One thought a paragraph, concrete words, no "
			  "padding.",
			  "End with what the reader is to do or to remember."},
		.examples = {"two openings to choose from"},
		.form = "the finished text, ready to use",
		.checks = {"Does it serve its purpose with this reader?",
			   "Is every statement true or marked as open?",
			   "Could a sentence go without loss?"},
	},
	{
		.name = "answer",
		.words = {NULL},
		.order = "Answer:",
		.steps = {"Say how you understand the request, in one "
			  "sentence.",
			  "Answer it.",
			  "Give the reasons and what they rest on.",
			  "Say what remains uncertain."},
		.examples = {"one concrete case that shows the answer"},
		.form = "the answer first, then the reasons",
		.checks = {"Does the first sentence answer what was asked?",
			   "Is each claim supported?",
			   "Is what is uncertain said?"},
	},
};

const struct field_of_work fields_of_work[] = {
	{
		.name = "security",
		.words = {"security",	   "secure",
			  "auth",	   "authentication",
			  "authorization", "login",
			  "jwt",	   "oauth",
			  "password",	   "passwords",
			  "encryption",	   "encrypt",
			  "vulnerability", "vulnerabilities",
			  "injection",	   "xss",
			  "csrf",	   "tls",
			  "token",	   "secrets"},
		.role = "a security engineer who reviews code for a living",
		.use = {"the OWASP Top Ten and the CWE of each weakness you "
			"speak of",
			"what the standard library has; no cryptography of "
			"one's own",
			"refusal by default, least privilege, comparison in "
			"constant time"},
		.checks = {"Which attack would still succeed?",
			   "Does a secret stand in code, log or message?"},
		.missing = {{"attacker", "who the attacker is and what he may "
					 "reach"}},
	},
	{
		.name = "databases",
		.words = {"sql", "database", "databases", "postgres",
			  "postgresql", "mysql", "sqlite", "mongodb", "redis",
			  "schema", "orm", "index"},
		.role = "a database engineer",
		.use = {"parameters, never text put together, for every value "
			"in a query",
			"indexes, transactions and what happens when two write "
			"at once"},
		.checks = {"Does it hold with a million rows?"},
		.missing = {{"version", "which database, in which version"},
			    {"rows", "how many rows there are"}},
	},
	{
		.name = "web",
		.words = {"api", "rest", "http", "endpoint", "web", "website",
			  "frontend", "react", "html", "css", "browser",
			  "flask", "django", "fastapi", "express", "graphql",
			  "server"},
		.role = "an experienced developer of web services",
		.use = {"the meaning of HTTP methods and status codes as RFC "
			"9110 has it",
			"checking of type, length and range of everything that "
			"comes from outside"},
		.checks = {"What happens with a request that is twice as "
			   "large, twice as often or malformed?"},
		.missing = {{"framework", "the framework, and who calls it"}},
	},
	{
		.name = "Python",
		.words = {"python", "pandas", "numpy", "pytest", "django",
			  "flask", "pip", "jupyter"},
		.role = "a senior Python developer",
		.use = {"idiomatic Python with type hints and docstrings; the "
			"standard library before others"},
		.checks = {"Does it pass a type checker and a linter?"},
		.missing = {{"python 3", "the version of Python"}},
	},
	{
		.name = "JavaScript",
		.words = {"javascript", "typescript", "node", "nodejs",
			  "node.js", "react", "npm", "vue", "angular"},
		.role = "a senior JavaScript developer",
		.use = {"modules, const, async and await; errors of promises "
			"handled where they happen"},
		.checks = {"Does it run without warnings in strict mode?"},
		.missing = {{"node",
			     "where it runs: browser or Node, and which "
			     "version"}},
	},
	{
		.name = "C",
		.words = {"in c", "c program", "c code", "c function", "malloc",
			  "pointer", "segfault", "gcc", "embedded", "kernel"},
		.role = "a senior C developer",
		.use = {"checked lengths, checked results of calls, one owner "
			"of each allocation"},
		.checks =
			{"Is it free of warnings with -Wall -Wextra and clean "
			 "under AddressSanitizer?"},
		.missing = {{"linux", "compiler, standard and platform"}},
	},
	{
		.name = "shell and operations",
		.words = {"bash", "shell", "linux", "docker", "kubernetes",
			  "ansible", "terraform", "nginx", "systemd", "ci",
			  "deploy", "deployment", "backup", "cron", "devops",
			  "monitoring"},
		.role = "a systems administrator who runs this in production",
		.use = {"quoted variables, set -euo pipefail, commands that "
			"can be run twice",
			"how to undo each step"},
		.checks = {"What happens when it stops halfway?"},
		.missing = {{"version", "distribution and versions"}},
	},
	{
		.name = "data",
		.words = {"data", "csv", "excel", "spreadsheet", "statistics",
			  "dataset", "dataframe", "chart", "machine learning",
			  "model", "regression", "dashboard", "metrics"},
		.role = "a data analyst who has to defend the figures",
		.use = {"a look at missing, doubled and impossible values "
			"first",
			"units and time zones named with each figure"},
		.checks = {"Can the figures be recomputed from the source?"},
		.missing = {{"column", "columns, types and size of the data"}},
	},
	{
		.name = "law and taxes",
		.words = {"tax", "taxes", "irs", "8867", "gdpr", "contract",
			  "legal", "law", "compliance", "license"},
		.role = "a specialist who knows the rules and cites them",
		.use = {"the exact provision for each statement",
			"a clear line between what the rule says and what you "
			"conclude"},
		.checks = {"Is each rule cited, and is it the one in force?",
			   "Is it said where a professional must decide?"},
		.missing = {{"country", "country, year and status of the "
					"person"}},
	},
	{
		.name = "business",
		.words = {"business", "marketing", "sales", "customer",
			  "customers", "startup", "budget", "revenue",
			  "product", "brand", "newsletter", "campaign",
			  "hiring", "meeting", "proposal"},
		.role = "an adviser with experience in this trade",
		.use = {"figures where there are any, and the assumption "
			"behind "
			"each estimate"},
		.checks = {"Is clear who does what until when?"},
		.missing = {{"budget", "budget and time available"}},
	},
	{
		.name = "teaching",
		.words = {"lesson", "course", "curriculum", "exam", "quiz",
			  "homework", "student", "students", "teacher", "class",
			  "school"},
		.role = "a teacher who has taught this often",
		.use = {"what the learner knows already, and the usual "
			"misunderstandings"},
		.checks = {"Does a question at the end show whether it was "
			   "understood?"},
		.missing = {{"grade", "age and previous knowledge"}},
	},
	{0},
};
