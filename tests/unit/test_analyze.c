/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_analyze.c - POST /api/v3/analyze and its answers, with a scripted
 * analysis in place of the jails: what is refused and how, what is shown of a
 * report, actions, SARIF.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "api/http/handlers.h"
#include "api/ide/ide.h"
#include "api/jobs/host.h"
#include "api/jobs/request.h"
#include "api/workflow/engine.h"
#include "supervisor/base/str.h"

/* ---- the script ------------------------------------------------------ */

static const char *report_text; /* NULL: fails as script_err says */
static struct err script_err;
static bool is_supervisor_away;
static const char *accept_header;
static char seen_text[4096], seen_path[64], seen_language[64];
static size_t runs, sources_seen;

struct job_host *__wrap_workflow_engine_host(struct workflow_engine *engine);
int __wrap_job_host_check_ready(struct job_host *host, struct err *e);
int __wrap_analysis_run(struct analysis *analysis,
			const struct analysis_task *task, json_t **ret_report,
			struct err *e);
const char *__wrap_analysis_detect_language(const char *path, const char *text,
					    size_t len);
const char *__wrap_http_header(const struct http_request *req,
			       const char *name);

/* The analysis has the same objects in both lists. */
static void
share_findings(json_t *report)
{
	json_t *weak = json_object_get(report, "vulnerabilities");
	json_t *all = json_object_get(report, "suggestions");

	for (size_t i = 0; i < json_array_size(weak); i++)
		for (size_t k = 0; k < json_array_size(all); k++)
			if (json_equal(json_array_get(weak, i),
				       json_array_get(all, k)))
				json_array_set(weak, i, json_array_get(all, k));
}

struct job_host *
__wrap_workflow_engine_host(struct workflow_engine *engine)
{
	return (struct job_host *)engine;
}

int
__wrap_job_host_check_ready(struct job_host *host, struct err *e)
{
	(void)host;
	return is_supervisor_away ? err_set(e, ERR_PEER, 0, "no supervisor")
				  : 0;
}

int
__wrap_analysis_run(struct analysis *analysis, const struct analysis_task *task,
		    json_t **ret_report, struct err *e)
{
	(void)analysis;
	runs++;
	sources_seen = task->sources_len;
	assert_int_equal(task->wall_ms_max, 7000);
	(void)str_printf(seen_text, sizeof(seen_text), "%s",
			 task->sources[0].text);
	(void)str_printf(seen_path, sizeof(seen_path), "%s",
			 task->sources[0].path);
	(void)str_printf(seen_language, sizeof(seen_language), "%s",
			 task->sources[0].language);
	if (report_text == NULL) {
		*e = script_err;
		return -1;
	}
	*ret_report = json_loads(report_text, 0, NULL);
	assert_non_null(*ret_report);
	share_findings(*ret_report);
	return 0;
}

const char *
__wrap_analysis_detect_language(const char *path, const char *text, size_t len)
{
	(void)text;
	(void)len;
	return strstr(path, ".py") != NULL ? "python" : "";
}

const char *
__wrap_http_header(const struct http_request *req, const char *name)
{
	(void)req;
	assert_string_equal(name, "Accept");
	return accept_header;
}

#define TOOL(name, status)                                                     \
	"{'name':'" name "','version':'1','language':'python','path':'a.py',"  \
	"'status':'" status "','findings':1,'duration_ms':3,'job_id':'j'}"
#define FINDING(id, rule, type, severity, confidence, line)                    \
	"{'id':'" id "','rule':'python/" rule "','type':'" type                \
	"','severity':'" severity "','confidence':'" confidence                \
	"','cwe':'CWE-89','owasp':'A03:2021','path':'a.py','line_start':" line \
	",'line_end':" line ",'column':3,'title':'Title " rule                 \
	"','description':'About " rule "','recommendation':'Do this',"         \
	"'example_fix':'good()','references':['https://example.org/r'],"       \
	"'tools':['python','other']}"
#define F_SQL FINDING("id-1", "sql", "security", "high", "high", "4")
#define F_MD5 FINDING("id-2", "md5", "security", "medium", "low", "2")
#define F_LOG FINDING("id-3", "log", "security", "low", "medium", "9")
#define F_LOOP FINDING("id-4", "loop", "performance", "medium", "medium", "5")
#define F_LONG FINDING("id-5", "long", "architecture", "high", "medium", "6")
#define F_NAME FINDING("id-6", "name", "style", "medium", "medium", "7")

static const char report_found[] =
	"{'analysed':true,'overall_score':61,'vulnerabilities':[" F_SQL
	"," F_MD5 "," F_LOG "],'suggestions':[" F_SQL "," F_LONG "," F_MD5
	"," F_LOOP "," F_NAME "," F_LOG "],'not_analysed':[],'tools':[" TOOL(
		"python",
		"completed") "],'languages':['python'],'compliance_status':{"
			     "'owasp_compliant':false,'owasp_categories':[],"
			     "'cwes':[]}}";
static const char report_clean[] =
	"{'analysed':true,'overall_score':100,'vulnerabilities':[],"
	"'suggestions':[],'not_analysed':[],'tools':[" TOOL(
		"python",
		"completed") "],'languages':['python'],'compliance_status':{"
			     "'owasp_compliant':true,'owasp_categories':[],"
			     "'cwes':[]}}";
static const char report_half[] =
	"{'analysed':false,'overall_score':null,'vulnerabilities':[" F_SQL
	"],'suggestions':[" F_SQL
	"],'not_analysed':[{'path':'a.py','language':'python','tool':'python',"
	"'reason':'it took too long'}],'tools':[" TOOL(
		"python",
		"timeout") "," TOOL("other",
				    "completed") "],'languages':['python'],"
						 "'compliance_status':{'owasp_"
						 "compliant':null,'owasp_"
						 "categories':[],"
						 "'cwes':[]}}";
static const char report_unknown[] =
	"{'analysed':false,'overall_score':null,'vulnerabilities':[],"
	"'suggestions':[],'not_analysed':[{'path':'','language':null,'tool':"
	"null,'reason':'nothing tells'}],'tools':[],'languages':[],"
	"'compliance_status':{'owasp_compliant':null,'owasp_categories':[],"
	"'cwes':[]}}";

/* ---- asking ---------------------------------------------------------- */

static struct http_response res;
static char *report_copy;

/* JSON with ' for ", so that it can be read here; malloc'd. */
static char *
unquoted(const char *text)
{
	char *copy = strdup(text);

	for (char *at = copy; *at != '\0'; at++)
		if (*at == '\'')
			*at = '"';
	return copy;
}

static void
script(const char *report)
{
	free(report_copy);
	report_copy = unquoted(report);
	report_text = report_copy;
}

static void
ask_with(http_handler handler, json_t *body)
{
	static struct api api = {.config.analyze_timeout_s = 7};
	struct http_request req = {.method = "POST",
				   .path = "/api/v3/analyze",
				   .body = body,
				   .connection = &req,
				   .gone_fd = -1};

	json_decref(res.body);
	res = (struct http_response){0};
	handler(&api, &req, &res);
	json_decref(body);
}

static void
ask(const char *body)
{
	char *text = unquoted(body);
	json_t *object = json_loads(text, 0, NULL);

	assert_non_null(object);
	free(text);
	ask_with(analyze_post, object);
}

/* "data.suggestions.0.title" of the answer, or NULL. */
static json_t *
at(const char *path)
{
	char copy[128], *save = NULL;
	json_t *value = res.body;

	assert_int_equal(str_copy(copy, sizeof(copy), path), 0);
	for (char *name = strtok_r(copy, ".", &save); name != NULL;
	     name = strtok_r(NULL, ".", &save))
		value = json_is_array(value)
				? json_array_get(value, strtoul(name, NULL, 10))
				: json_object_get(value, name);
	return value;
}

static const char *
text_at(const char *path)
{
	const char *text = json_string_value(at(path));

	return text != NULL ? text : "";
}

static size_t
size_at(const char *path)
{
	assert_true(json_is_array(at(path)));
	return json_array_size(at(path));
}

static int
setup(void **state)
{
	(void)state;
	accept_header = NULL;
	runs = 0;
	script(report_found);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	json_decref(res.body);
	res = (struct http_response){0};
	free(report_copy);
	report_copy = NULL;
	return 0;
}

#define CODE "{'context':{'file_content':'a\\nb\\n','file_path':'a.py'}"

/* ---- what is refused ------------------------------------------------- */

static void
test_wrong_fields_are_named(void **state)
{
	static const struct {
		const char *body, *field;
	} rows[] = {
		{"{}", "context"},
		{"{'context':{}}", "context.file_content"},
		{"{'context':{'file_content':''}}", "context.file_content"},
		{"{'context':{'file_content':7}}", "context.file_content"},
		{"{'context':{'file_content':'a','file_path':7}}",
		 "context.file_path"},
		{"{'context':{'file_content':'a','language':[]}}",
		 "context.language"},
		{CODE ",'analysis_type':'magic'}", "analysis_type"},
		{CODE ",'options':{'severity_threshold':'none'}}",
		 "options.severity_threshold"},
		{CODE ",'options':{'max_suggestions':-1}}",
		 "options.max_suggestions"},
		{CODE ",'options':{'max_suggestions':1.5}}",
		 "options.max_suggestions"},
		{CODE ",'options':{'include_examples':'yes'}}",
		 "options.include_examples"},
		{"{'context':{'file_content':'a','files':[{'path':'a',"
		 "'content':'b'}]}}",
		 "context.files"},
		{"{'context':{'files':[]}}", "context.files"},
		{"{'context':{'files':[{'path':'a'}]}}",
		 "context.files[0].content"},
		{"{'context':{'files':[{'path':'a','content':'b','mode':1}]}}",
		 "context.files[0].mode"},
		{"{'context':{'files':[{'path':'a','content':'b'},{'path':'a',"
		 "'content':'c'}]}}",
		 "context.files[1].path"},
		{"{'context':{'file_content':'a','project_context':{"
		 "'dependencies':[1]}}}",
		 "context.project_context.dependencies[0]"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ask(rows[i].body);
		assert_int_equal(res.status, 422);
		assert_string_equal(text_at("field"), rows[i].field);
	}
	assert_int_equal(runs, 0);
}

static void
test_too_much_text_is_413(void **state)
{
	size_t len = ANALYSIS_TEXT_MAX + 1;
	char *text = malloc(len);

	(void)state;
	assert_non_null(text);
	memset(text, 'a', len);
	ask_with(analyze_post,
		 json_pack("{s:{s:s%}}", "context", "file_content", text, len));
	assert_int_equal(res.status, 413);
	assert_string_equal(text_at("field"), "context.file_content");
	assert_non_null(strstr(text_at("detail"), "4194304"));
	ask_with(analyze_post, json_pack("{s:{s:s%}}", "context",
					 "file_content", text, len - 1));
	assert_int_equal(res.status, 200);
	free(text);
}

static void
test_failures_of_the_analysis(void **state)
{
	static const struct {
		enum err_kind kind;
		int status;
		bool is_later, is_supervisor_away;
		const char *detail;
	} rows[] = {
		{ERR_PEER, 503, true, false,
		 "An analyzer was not run: scripted"},
		{ERR_PEER, 503, true, true, "The execution service does not"},
		{ERR_UNSUPPORTED, 503, true, false, ""},
		{ERR_BUSY, 503, true, false, ""},
		{ERR_CONFLICT, 503, true, false, "The analysis was cut off"},
		{ERR_LIMIT, 413, false, false, "scripted"},
		{ERR_IO, 500, false, false, ""},
		{ERR_INVALID, 422, false, false, "scripted"},
	};

	(void)state;
	report_text = NULL;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		err_set(&script_err, rows[i].kind, 0, "scripted");
		is_supervisor_away = rows[i].is_supervisor_away;
		ask(CODE "}");
		assert_ptr_equal(strstr(text_at("detail"), rows[i].detail),
				 text_at("detail"));
		assert_int_equal(res.status, rows[i].status);
		assert_int_equal(res.retry_after_s > 0, rows[i].is_later);
	}
}

/* ---- what is shown --------------------------------------------------- */

static void
test_the_answer_of_the_specification(void **state)
{
	(void)state;
	ask(CODE "}");
	assert_int_equal(res.status, 200);
	assert_null(res.media_type);
	assert_string_equal(text_at("status"), "success");
	assert_string_equal(text_at("data.primary_agent"), "web_dev_agent");
	assert_int_equal(size_at("data.suggestions"), 5);
	assert_string_equal(text_at("data.suggestions.0.id"), "id-1");
	assert_string_equal(text_at("data.suggestions.0.rule"), "python/sql");
	assert_string_equal(text_at("data.suggestions.0.cwe"), "CWE-89");
	assert_string_equal(text_at("data.suggestions.0.example_fix"),
			    "good()");
	assert_int_equal(
		json_integer_value(at("data.security_analysis.overall_score")),
		61);
	assert_int_equal(size_at("data.security_analysis.vulnerabilities"), 3);
	assert_true(json_is_true(at("data.analysed")));
	assert_string_equal(text_at("metadata.tools_used.0"), "heimdall");
	assert_string_equal(text_at("metadata.tools_used.1"), "python");
	assert_int_equal(json_integer_value(at("metadata.findings_total")), 5);
	assert_int_equal(json_integer_value(at("metadata.cost")), 0);
	assert_string_equal(
		text_at("data.analysis_summary"),
		"5 findings (2 high, 3 medium) in 2 lines of python; the "
		"worst: Title sql in line 4.");
}

static void
test_types_and_thresholds(void **state)
{
	static const struct {
		const char *type, *threshold;
		size_t findings;
		const char *first, *agent;
	} rows[] = {
		{"security", "low", 3, "id-1", "security_agent"},
		{"security", "medium", 2, "id-1", "security_agent"},
		{"security", "high", 1, "id-1", "security_agent"},
		{"performance", "medium", 1, "id-4", "web_dev_agent"},
		{"performance", "high", 0, "", "web_dev_agent"},
		{"architecture", "medium", 2, "id-5", "web_dev_agent"},
		{"general", "low", 6, "id-1", "web_dev_agent"},
		{"general", "high", 2, "id-1", "web_dev_agent"},
	};
	char body[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		(void)str_printf(body, sizeof(body),
				 CODE ",'analysis_type':'%s','options':{"
				      "'severity_threshold':'%s',"
				      "'max_suggestions':50}}",
				 rows[i].type, rows[i].threshold);
		ask(body);
		assert_int_equal(size_at("data.suggestions"), rows[i].findings);
		assert_string_equal(text_at("data.suggestions.0.id"),
				    rows[i].first);
		assert_string_equal(text_at("data.primary_agent"),
				    rows[i].agent);
	}
}

static void
test_options(void **state)
{
	(void)state;
	ask(CODE ",'options':{'max_suggestions':2}}");
	assert_int_equal(size_at("data.suggestions"), 2);
	assert_int_equal(json_integer_value(at("metadata.findings_total")), 5);
	ask(CODE ",'options':{'include_suggestions':false}}");
	assert_int_equal(size_at("data.suggestions"), 0);
	assert_int_equal(size_at("data.security_analysis.vulnerabilities"), 3);
	ask(CODE ",'options':{'include_examples':false}}");
	assert_null(at("data.suggestions.0.example_fix"));
	assert_null(at("data.security_analysis.vulnerabilities.0.example_fix"));
	ask(CODE ",'options':null,'analysis_type':null}");
	assert_int_equal(size_at("data.suggestions"), 5);
}

static void
test_what_was_not_analysed_is_no_success(void **state)
{
	(void)state;
	script(report_half);
	ask(CODE "}");
	assert_int_equal(res.status, 200);
	assert_true(json_is_false(at("data.analysed")));
	assert_true(json_is_null(at("data.security_analysis.overall_score")));
	assert_non_null(strstr(text_at("data.analysis_summary"),
			       "Not everything was analysed: python: it took "
			       "too long."));
	assert_int_equal(size_at("metadata.tools_used"), 2);
	assert_string_equal(text_at("metadata.tools_used.1"), "other");
	script(report_unknown);
	ask("{'context':{'file_content':'hm'}}");
	assert_int_equal(res.status, 200);
	assert_true(json_is_false(at("data.analysed")));
	assert_int_equal(size_at("metadata.tools_used"), 0);
	assert_true(json_real_value(at("data.confidence_score")) == 0);
	assert_non_null(strstr(text_at("data.hint"), "context.language"));
	assert_non_null(
		strstr(text_at("data.analysis_summary"), "Not analysed"));
	assert_null(strstr(text_at("data.analysis_summary"), "Nothing found"));
}

static void
test_confidence(void **state)
{
	(void)state;
	script(report_clean);
	ask(CODE "}");
	assert_true(json_real_value(at("data.confidence_score")) == 0.9);
	assert_non_null(strstr(text_at("data.analysis_summary"),
			       "Nothing found of severity medium or above"));
	/* One finding, high, seen by two tools; one of two analyzers done. */
	script(report_half);
	ask(CODE "}");
	assert_true(json_real_value(at("data.confidence_score")) == 0.49);
}

static void
test_indented_code(void **state)
{
	(void)state;
	ask("{'context':{'file_content':'\\n    x = 1\\n      y\\n',"
	    "'file_path':'a.py','language':'py'}}");
	assert_string_equal(seen_text, "\nx = 1\n  y\n");
	assert_string_equal(seen_language, "python");
	assert_int_equal(json_integer_value(at("data.suggestions.0.column")),
			 7);
	/* Once, though a finding is in two lists. */
	assert_int_equal(
		json_integer_value(
			at("data.security_analysis.vulnerabilities.0.column")),
		7);
}

static void
test_several_files(void **state)
{
	(void)state;
	ask("{'context':{'files':[{'path':'a.py','content':'x'},"
	    "{'path':'b.py','content':'y','language':'python'}]}}");
	assert_int_equal(res.status, 200);
	assert_int_equal(sources_seen, 2);
	assert_string_equal(seen_path, "a.py");
}

static void
test_the_legacy_route(void **state)
{
	char *text = unquoted(CODE ",'analysis_type':'security','query':'x'}");

	(void)state;
	ask_with(orchestrate_post, json_loads(text, 0, NULL));
	free(text);
	assert_int_equal(res.status, 200);
	assert_int_equal(size_at("data.suggestions"), 5);
}

/* ---- actions --------------------------------------------------------- */

static void
test_actions(void **state)
{
	const json_t *body;
	char first[40];

	(void)state;
	ask(CODE "}");
	assert_int_equal(size_at("data.executable_actions"), 3);
	assert_string_equal(text_at("data.executable_actions.0.title"),
			    "Fix 2 Security Issues");
	assert_true(json_is_true(
		at("data.executable_actions.0.requires_approval")));
	assert_true(json_is_false(
		at("data.executable_actions.1.requires_approval")));
	/* No model in this test: it says so before anybody tries. */
	assert_true(json_is_false(at("data.executable_actions.0.available")));
	assert_non_null(
		strstr(text_at("data.executable_actions.0.unavailable_reason"),
		       "PROMPTCRAFT_MODEL_URL"));
	assert_string_equal(text_at("data.executable_actions.0.request.path"),
			    "/api/v3/execute");
	body = at("data.executable_actions.0.request.body");
	assert_string_equal(
		json_string_value(json_object_get(body, "goal")),
		"Mend the security weaknesses of the code in a.py: Title sql "
		"(line 4), Title md5 (line 2). Keep what the code does "
		"otherwise.");
	assert_string_equal(
		text_at("data.executable_actions.0.request.body.context.code"),
		"a\nb\n");
	assert_int_equal(
		size_at("data.executable_actions.0.request.body.context."
			"findings"),
		2);
	assert_true(job_id_is_valid(text_at("data.executable_actions.0.id")));
	/* The same findings are the same action. */
	(void)str_copy(first, sizeof(first),
		       text_at("data.executable_actions.0.id"));
	ask(CODE ",'analysis_type':'security'}");
	assert_int_equal(size_at("data.executable_actions"), 1);
	assert_string_equal(text_at("data.executable_actions.0.id"), first);
	script(report_clean);
	ask(CODE "}");
	assert_int_equal(size_at("data.executable_actions"), 0);
}

/* A file may be megabytes, and there are several actions. */
static void
test_actions_do_not_repeat_a_large_file(void **state)
{
	static const struct {
		int len;
		bool has_request;
	} rows[] = {{128 << 10, true}, {(128 << 10) + 1, false}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *code = malloc((size_t)rows[i].len);

		assert_non_null(code);
		memset(code, 'x', (size_t)rows[i].len);
		ask_with(analyze_post,
			 json_pack("{s:{s:s#, s:s}}", "context", "file_content",
				   code, rows[i].len, "file_path", "a.py"));
		free(code);
		assert_int_equal(size_at("data.executable_actions"), 3);
		assert_int_equal(at("data.executable_actions.2.request") !=
					 NULL,
				 rows[i].has_request);
		assert_true(json_is_false(
			at("data.executable_actions.2.available")));
		if (!rows[i].has_request)
			assert_string_equal(
				text_at("data.executable_actions.2."
					"unavailable_reason"),
				"the file is too large for a model");
	}
}

/* ---- SARIF ----------------------------------------------------------- */

static void
test_accept(void **state)
{
	static const struct {
		const char *accept;
		bool is_sarif;
	} rows[] = {
		{NULL, false},
		{"*/*", false},
		{"application/json", false},
		{"application/sarif+json", true},
		{"Application/SARIF+json; charset=utf-8", true},
		{"application/json, application/sarif+json", true},
		{"application/json;q=0.5, application/sarif+json;q=0.4", false},
		{"application/sarif+json;q=0", false},
		{"application/sarif+jsonx", false},
		{"text/html ,application/sarif+json", true},
		{",,,", false},
		{"", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		accept_header = rows[i].accept;
		ask(CODE "}");
		assert_int_equal(res.status, 200);
		assert_int_equal(res.media_type != NULL, rows[i].is_sarif);
		assert_int_equal(at("runs") != NULL, rows[i].is_sarif);
	}
}

static void
test_sarif(void **state)
{
	(void)state;
	accept_header = HTTP_MEDIA_SARIF;
	ask(CODE "}");
	assert_string_equal(text_at("version"), "2.1.0");
	assert_int_equal(size_at("runs.0.results"), 5); /* all: none was cut */
	assert_int_equal(size_at("runs.0.tool.driver.rules"), 5);
	assert_string_equal(text_at("runs.0.results.0.ruleId"), "python/sql");
	assert_string_equal(text_at("runs.0.results.0.level"), "error");
	assert_string_equal(text_at("runs.0.results.0.partialFingerprints."
				    "promptcraftFinding/v1"),
			    "id-1");
	assert_string_equal(text_at("runs.0.results.0.locations.0."
				    "physicalLocation.artifactLocation.uri"),
			    "a.py");
	assert_int_equal(
		json_integer_value(at("runs.0.results.0.locations.0."
				      "physicalLocation.region.startLine")),
		4);
	assert_true(
		json_is_true(at("runs.0.invocations.0.executionSuccessful")));
	ask(CODE ",'options':{'max_suggestions':1}}");
	assert_int_equal(size_at("runs.0.results"), 1);
	assert_int_equal(size_at("runs.0.tool.driver.rules"), 1);
	script(report_half);
	ask(CODE "}");
	assert_true(
		json_is_false(at("runs.0.invocations.0.executionSuccessful")));
	assert_string_equal(
		text_at("runs.0.invocations.0.toolExecutionNotifications.0."
			"message.text"),
		"python: not analysed: it took too long");
}

/* What the code says is quoted, and must not become a link of a viewer. */
static void
test_sarif_messages_have_no_links(void **state)
{
	static const struct {
		const char *said, *text;
	} rows[] = {
		{"[here](https://evil.example/)",
		 "\\[here\\](https://evil.example/)"},
		{"[a\\](1)", "\\[a\\\\\\](1)"},
		{"x[i] = '\\n'", "x\\[i\\] = '\\\\n'"},
		{"plain (1)", "plain (1)"},
		{"", "-"},
	};
	struct ide_request r = {
		.type = "general", .threshold = "low", .has_suggestions = true};
	json_t *report, *finding, *gap;

	(void)state;
	script(report_half);
	report = json_loads(report_text, 0, NULL);
	finding = json_array_get(json_object_get(report, "suggestions"), 0);
	gap = json_array_get(json_object_get(report, "not_analysed"), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const char *note;

		json_object_set_new(finding, "description",
				    json_string(rows[i].said));
		json_object_set_new(gap, "reason", json_string(rows[i].said));
		json_decref(res.body);
		res.body = ide_sarif_new(&r, report);
		assert_string_equal(text_at("runs.0.results.0.message.text"),
				    rows[i].text);
		note = text_at("runs.0.invocations.0."
			       "toolExecutionNotifications.0.message.text");
		if (rows[i].said[0] != '\0')
			assert_string_equal(
				note + strlen("python: not analysed: "),
				rows[i].text);
	}
	json_decref(report);
}

static void
test_sarif_of_odd_paths(void **state)
{
	static const struct {
		const char *path, *uri;
	} rows[] = {
		{"src/a b.py", "src/a%20b.py"},
		{"/home/x/a.py", "file:///home/x/a.py"},
		{"//evil/a.py", "file:///evil/a.py"},
		{"javascript:alert(1).py", "javascript%3aalert%281%29.py"},
		{"\xc3\xa4.py", "%c3%a4.py"},
		{"a\n.py", "a%0a.py"},
	};

	(void)state;
	accept_header = HTTP_MEDIA_SARIF;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ask_with(analyze_post,
			 json_pack("{s:{s:s, s:s}}", "context", "file_content",
				   "x", "file_path", rows[i].path));
		assert_string_equal(text_at("runs.0.artifacts.0.location.uri"),
				    rows[i].uri);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_wrong_fields_are_named),
		TEST(test_too_much_text_is_413),
		TEST(test_failures_of_the_analysis),
		TEST(test_the_answer_of_the_specification),
		TEST(test_types_and_thresholds),
		TEST(test_options),
		TEST(test_what_was_not_analysed_is_no_success),
		TEST(test_confidence),
		TEST(test_indented_code),
		TEST(test_several_files),
		TEST(test_the_legacy_route),
		TEST(test_actions),
		TEST(test_actions_do_not_repeat_a_large_file),
		TEST(test_accept),
		TEST(test_sarif),
		TEST(test_sarif_messages_have_no_links),
		TEST(test_sarif_of_odd_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
