// SPDX-License-Identifier: Apache-2.0
// The page at /docs is complete without this: it adds a filter of the list, a
// button that copies a curl command, and a form that sends a request to this
// very server.  The token lives in its field alone and is gone with the page.
// What comes from the server is shown as text, never as HTML.

const SHOWN_MAX = 200000; // characters of an answer

function make(name, properties = {}, ...children) {
	const element = document.createElement(name);
	Object.assign(element, properties);
	element.append(...children);
	return element;
}

function labelled(text, field) {
	return make("label", {}, text, field);
}

// ---- the filter ----------------------------------------------------------

function addFilter() {
	const input = make("input", {type: "search"});
	input.addEventListener("input", () => {
		const wanted = input.value.trim().toLowerCase();
		for (const link of document.querySelectorAll("nav a")) {
			const article = document.querySelector(link.hash);
			const text = (link.textContent + " " + article
				.querySelector(".what").textContent)
				.toLowerCase();
			const isHidden = !text.includes(wanted);
			link.parentElement.hidden = isHidden;
			article.hidden = isHidden;
		}
	});
	document.getElementById("filter").append(
		labelled("Filter operations", input));
}

// ---- opening what a link leads to -------------------------------------------

function openTarget() {
	const id = decodeURIComponent(location.hash.slice(1));
	const details = document.getElementById(id)?.querySelector("details");
	if (details) {
		details.open = true;
		details.querySelector("summary").focus();
	}
}

// ---- the token ---------------------------------------------------------------

const token = make("input", {
	type: "password", autocomplete: "off", spellcheck: false,
});

function addToken() {
	document.getElementById("token").append(labelled(
		"Token for trying things (kept in this field only)", token));
}

// ---- copying -------------------------------------------------------------------

function addCopy(box) {
	const button = make("button", {type: "button"}, "Copy");
	button.addEventListener("click", async () => {
		try {
			await navigator.clipboard.writeText(
				box.querySelector("pre").textContent);
			button.textContent = "Copied";
		} catch {
			button.textContent = "The browser does not allow it";
		}
	});
	box.append(button);
}

// ---- trying --------------------------------------------------------------------

function fieldsOf(article) {
	return [...article.querySelectorAll(".parameters tbody tr")].map(
		(row) => ({
			name: row.dataset.name,
			place: row.dataset.in,
			input: make("input", {
				type: "text", autocomplete: "off",
				spellcheck: false,
			}),
		}));
}

function bodyOf(article) {
	if (!article.querySelector(".request"))
		return null;
	const example = article.querySelector(".request .example code");
	return make("textarea", {
		rows: 10, spellcheck: false,
		value: example ? example.textContent : "{\n}\n",
	});
}

// The path with its {id} and query, and the headers.
function requestOf(article, fields, body) {
	let path = article.dataset.path;
	const query = new URLSearchParams();
	const headers = {};
	for (const {name, place, input} of fields) {
		if (place === "path")
			path = path.replace(`{${name}}`,
				encodeURIComponent(input.value));
		else if (input.value !== "" && place === "query")
			query.append(name, input.value);
		else if (input.value !== "")
			headers[name] = input.value;
	}
	if (token.value !== "")
		headers.Authorization = `Bearer ${token.value}`;
	if (body)
		headers["Content-Type"] = "application/json";
	const tail = query.size > 0 || query.toString() ? `?${query}` : "";
	return [path + tail, {
		method: article.dataset.method,
		headers,
		body: body ? body.value : undefined,
		cache: "no-store",
		credentials: "omit",
		redirect: "error",
	}];
}

function prettyText(text) {
	try {
		return JSON.stringify(JSON.parse(text), null, 2);
	} catch {
		return text;
	}
}

// As it comes: a stream of events is shown while it lasts.
async function showAnswer(response, out) {
	const head = [`${response.status} ${response.statusText}`];
	for (const [name, value] of response.headers)
		head.push(`${name}: ${value}`);
	const start = head.join("\n") + "\n\n";
	const decoder = new TextDecoder();
	let text = "";
	out.textContent = start;
	const reader = response.body?.getReader();
	while (reader) {
		const {done, value} = await reader.read();
		if (done)
			break;
		text += decoder.decode(value, {stream: true});
		out.textContent = start + text.slice(0, SHOWN_MAX);
		if (text.length > SHOWN_MAX) {
			await reader.cancel();
			out.textContent += "\n(the rest is not shown)";
			return text;
		}
	}
	out.textContent = start + prettyText(text);
	return text;
}

// Who signs in here need not copy the token.
function takeToken(article, response, text) {
	if (article.id === "createToken" && response.ok)
		token.value = JSON.parse(text).access_token;
}

function addTry(article) {
	const fields = fieldsOf(article);
	const body = bodyOf(article);
	const out = make("pre", {tabIndex: 0, hidden: true});
	const stop = make("button", {type: "button", hidden: true}, "Stop");
	const form = make("form", {className: "try"},
		make("h4", {}, "Try it"));
	let sending = null;

	out.setAttribute("role", "status");
	for (const {name, input} of fields)
		form.append(labelled(name, input));
	if (body)
		form.append(labelled("Body", body));
	form.append(make("button", {}, "Send"), " ", stop, out);
	stop.addEventListener("click", () => sending?.abort());
	form.addEventListener("submit", async (event) => {
		event.preventDefault();
		sending?.abort();
		const mine = sending = new AbortController();
		out.hidden = stop.hidden = false;
		out.textContent = "…";
		try {
			const [path, options] = requestOf(article, fields,
				body);
			const response = await fetch(path,
				{...options, signal: mine.signal});
			takeToken(article, response,
				await showAnswer(response, out));
		} catch (error) {
			out.textContent += `\n${error.name === "AbortError"
				? "(stopped)" : error.message}`;
		}
		if (sending === mine)
			stop.hidden = true;
	});
	article.querySelector(".inside").append(form);
}

addFilter();
addToken();
for (const box of document.querySelectorAll(".curl"))
	addCopy(box);
for (const article of document.querySelectorAll("article"))
	addTry(article);
addEventListener("hashchange", openTarget);
openTarget();
