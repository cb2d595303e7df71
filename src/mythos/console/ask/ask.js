// Asks the hub's own API and writes what it gets as text: nothing that came from anywhere becomes markup.
"use strict";

const WORDS = {
  en: {
    title: "Ask your data", key: "API key", data: "Data", question: "Question, in English or Japanese",
    keyNote: "Kept in the memory of this page alone; gone when it closes.", ask: "Ask", stop: "Stop",
    answer: "Answer", close: "Close", asking: "Asking…", stopped: "Stopped.", noData: "This hub answers from no data.",
    answered: "Answered. Every number and quote opens its source.", refused: "Not answered; the reason is below.",
    failed: "That went wrong; the reason is below.", readAs: "Read as: ", plannedBy: "Planned by a model; check how it was read: ", receipt: "Receipt: ",
    saveAnswer: "Save answer", saveReceipt: "Save receipt", soon: "The receipt is not witnessed yet; try again.",
    source: "Source of", query: "Query", rows: "Rows", complete: "All rows below this number",
    partial: "The first rows below this number", row: "row", computed: "Computed", from: "From", passage: "Passage",
    document: "Document", bytes: "bytes", metric: "Metric", unseen: "Its rows cannot be shown here; the query says what they are.",
    unreachable: "The hub did not answer.", unreadable: "The hub's answer could not be read.",
    no_data: "There are no rows that answer this. Widen the period or the names.",
    not_permitted: "You may not read what this asks about. Ask who gives the role.",
    not_in_hub: "The hub does not hold what this asks about. Use the names of the catalogue.",
    cannot_plan: "The question was understood in part. Name the column, or the date.",
  },
  ja: {
    title: "データに質問する", key: "APIキー", data: "データ", question: "質問（日本語または英語）",
    keyNote: "このページのメモリだけに置かれ、閉じると消えます。", ask: "質問する", stop: "中止",
    answer: "回答", close: "閉じる", asking: "問い合わせ中…", stopped: "中止しました。", noData: "このハブには質問できるデータがありません。",
    answered: "回答しました。数値と引用を押すと出典が開きます。", refused: "回答できません。理由は下のとおりです。",
    failed: "うまくいきませんでした。理由は下のとおりです。", readAs: "解釈: ", plannedBy: "モデルが計画しました。解釈をお確かめください: ", receipt: "受領証: ",
    saveAnswer: "回答を保存", saveReceipt: "受領証を保存", soon: "受領証はまだ証人に確認されていません。もう一度お試しください。",
    source: "出典:", query: "クエリ", rows: "行", complete: "この数値のもとになったすべての行",
    partial: "この数値のもとになった最初の行", row: "行番号", computed: "計算式", from: "もとの値", passage: "該当箇所",
    document: "文書", bytes: "バイト", metric: "指標", unseen: "行はここに表示できません。クエリをご覧ください。",
    unreachable: "ハブが応答しません。", unreadable: "ハブの応答を読めません。",
    no_data: "該当するデータがありません。期間や名称を広げてください。",
    not_permitted: "この内容を閲覧する権限がありません。権限の担当者にお尋ねください。",
    not_in_hub: "お尋ねの内容はこのハブにありません。カタログの名称でお尋ねください。",
    cannot_plan: "質問の一部しか理解できませんでした。列名や日付を示してください。",
  },
};

const at = (id) => document.getElementById(id);
let language = navigator.language.startsWith("ja") ? "ja" : "en";
let running = null;   // the AbortController of the question that is being answered
let last = null;      // what is shown: {found | error, bytes, receipt}
let opener = null;    // the button whose source is open
let said = "";        // the key of what the status line says
const say = (word) => WORDS[language][word] ?? word;

function make(tag, text, attributes = {}) {
  const element = document.createElement(tag);
  if (text) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function status(word) {
  said = word;
  at("status").textContent = word ? say(word) : "";
}

async function call(path, options = {}) {
  const headers = { authorization: `Bearer ${at("key").value.trim()}`, ...options.headers };
  return fetch(path, { cache: "no-store", credentials: "omit", redirect: "error", ...options, headers });
}

async function listData() {
  const chosen = at("data").value;
  at("data").replaceChildren();
  at("data").disabled = true;
  if (!at("key").value.trim()) return;
  try {
    const response = await call("/v1/models");
    const body = await response.json();
    if (!response.ok) return show({ error: body.error ?? {} });
    const names = body.data.map((model) => model.mythos?.data).filter((name) => typeof name === "string");
    for (const name of names) at("data").append(make("option", name, { value: name }));
    if (names.includes(chosen)) at("data").value = chosen;
    at("data").disabled = names.length === 0;
    if (last?.error) show(null);
    status(names.length ? "" : "noData");
  } catch {
    show({ error: { message: say("unreachable"), code: "unreachable" } });
  }
}

async function ask(event) {
  event.preventDefault();
  if (running) return;
  const question = at("question").value.trim();
  if (!question) return at("question").focus();
  if (at("data").disabled) await listData();
  if (at("data").disabled) return;
  running = new AbortController();
  at("ask").disabled = true;
  at("stop").hidden = false;
  show(null);
  status("asking");
  try {
    const response = await call("/v1/ask", {
      method: "POST", signal: running.signal, headers: { "content-type": "application/json" },
      body: JSON.stringify({ question, data: at("data").value, sources: true }),
    });
    const bytes = await response.arrayBuffer();
    const found = JSON.parse(new TextDecoder().decode(bytes));
    show(response.ok ? { found, bytes, receipt: response.headers.get("x-mythos-receipt") } : { error: found.error ?? {} });
  } catch (error) {
    if (error.name === "AbortError") status("stopped");
    else show({ error: { message: say(error instanceof SyntaxError ? "unreadable" : "unreachable"), code: "unreachable" } });
  } finally {
    running = null;
    at("ask").disabled = false;
    at("stop").hidden = true;
  }
}

function show(what) {
  last = what;
  opener = null;
  at("source").hidden = true;
  at("parts").replaceChildren();
  at("answer").hidden = !what;
  if (!what) return status("");
  at("parts").append(...(what.error ? problem(what.error) : what.found.kind === "refusal" ? refusal(what) : answer(what)));
  status(what.error ? "failed" : what.found.kind === "refusal" ? "refused" : "answered");
}

function problem(error) {
  const box = make("div", "", { class: "problem" });
  box.append(make("strong", String(error.message ?? say("unreadable"))), make("code", String(error.code ?? "")));
  for (const name of ["directive", "cite"]) if (error[name]) box.append(make("div", String(error[name])));
  return [box];
}

function refusal(what) {
  const box = make("div", "", { class: "problem refusal" });
  box.append(make("strong", say(what.found.reason)), make("code", what.found.reason));
  if (what.found.why) box.append(make("div", what.found.why));
  return [box, ...saving(what)];
}

function answer(what) {
  const words = make("div", "", { class: "words", lang: what.found.language });
  for (const part of what.found.parts) {
    const ref = part.cell ?? part.quote;
    if (ref === undefined) words.append(document.createTextNode(part.text));
    else words.append(opening(part.shown, ref, part.quote === undefined ? "part" : "part quote"));
  }
  const read = make("p", say("readAs"), { class: "read" });
  read.append(make("code", what.found.read_as));
  const model = make("p", say("plannedBy"), { class: "read" });
  model.append(make("code", what.found.planned_by));
  return [words, ...(what.found.read_as ? [read] : []), ...(what.found.planned_by ? [model] : []), ...saving(what)];
}

function opening(shown, ref, kind) {
  const button = make("button", shown, { type: "button", class: kind, "aria-expanded": "false", "aria-controls": "source", "data-ref": ref });
  button.addEventListener("click", () => open(ref, shown));
  return button;
}

function saving(what) {
  if (!what.receipt) return [];
  const line = make("p", say("receipt"), { class: "read" });
  line.append(make("code", what.receipt));
  const buttons = make("div", "", { class: "saving" });
  const [answered, receipt] = [make("button", say("saveAnswer"), { type: "button" }), make("button", say("saveReceipt"), { type: "button" })];
  answered.addEventListener("click", () => save(what.bytes, `${what.receipt}.answer.json`));
  receipt.addEventListener("click", () => saveReceipt(what.receipt));
  buttons.append(answered, receipt);
  return [line, buttons];
}

async function saveReceipt(name) {
  try {
    for (let tries = 0; tries < 10; tries += 1) {   // it is witnessed a second or two after its answer
      const response = await call(`/v1/receipts/${encodeURIComponent(name)}`);
      if (response.ok && response.status !== 202) return save(await response.arrayBuffer(), `${name}.json`);
      if (response.status !== 202) return status("unreadable");
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    status("soon");
  } catch {
    status("unreachable");
  }
}

function save(bytes, name) {
  const address = URL.createObjectURL(new Blob([bytes], { type: "application/json" }));
  make("a", "", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

function open(ref, shown) {
  opener?.setAttribute("aria-expanded", "false");
  opener = at("parts").querySelector(`[data-ref="${CSS.escape(ref)}"]`);
  opener?.setAttribute("aria-expanded", "true");
  const source = last.found.refs[ref] ?? {};
  const opened = last.found.sources?.[ref];
  at("source-title").textContent = `${say("source")} ${shown.length > 60 ? `${shown.slice(0, 60)}…` : shown}`;
  at("behind").replaceChildren(...(source.file ? passage(source, opened) : query(source, opened)));
  at("source").hidden = false;
  at("source-title").focus();
}

function query(source, opened) {
  const made = [];
  if (source.metric) made.push(make("h3", say("metric")), make("p", String(source.metric)));
  if (source.expression) made.push(make("h3", say("computed")), make("pre", String(source.expression)));
  if (source.of) {
    const list = make("p", `${say("from")}: `);
    source.of.forEach((ref, index) => {
      const part = last.found.parts.find((one) => one.cell === ref);
      list.append(make("span", `${index ? ", " : ""}${String.fromCharCode(97 + index)} = `), opening(part?.shown ?? ref, ref, "part"));
    });
    made.push(list);
  }
  if (source.sql) {
    made.push(...(opened ? [make("h3", say("rows")), rows(opened)] : [make("p", say("unseen"), { class: "note" })]));
    made.push(make("h3", say("query")), make("pre", source.sql), make("p", source.capture, { class: "note" }));
  }
  return made;
}

function rows(opened) {
  const table = make("table");
  table.append(make("caption", `${opened.table} · ${say(opened.complete ? "complete" : "partial")} (${opened.rows.length})`));
  const head = make("tr");
  for (const name of [say("row"), ...opened.columns]) head.append(make("th", name, { scope: "col" }));
  const body = make("tbody");
  opened.rows.forEach((row, index) => {
    const line = make("tr");
    for (const cell of [opened.numbers[index] ?? "", ...row]) line.append(make("td", String(cell)));
    body.append(line);
  });
  const top = make("thead");
  top.append(head);
  table.append(top, body);
  const frame = make("div", "", { class: "table", tabindex: "0", role: "region", "aria-label": say("rows") });
  frame.append(table);
  return frame;
}

function passage(source, opened) {
  const place = `${source.title ? `${source.title} · ` : ""}${source.file} · ${say("bytes")} ${source.span.join("–")}`;
  const made = [make("h3", say("document")), make("p", place)];
  if (opened) {
    const text = make("blockquote", "", { class: "passage", tabindex: "0", "aria-label": say("passage") });
    text.append(document.createTextNode(opened.before), make("mark", opened.quote), document.createTextNode(opened.after));
    made.push(make("h3", say("passage")), text);
  }
  return [...made, make("p", source.capture, { class: "note" })];
}

function close() {
  at("source").hidden = true;
  opener?.setAttribute("aria-expanded", "false");
  opener?.focus();
  opener = null;
}

function speak(chosen) {
  language = chosen;
  document.documentElement.lang = chosen;
  document.title = say("title");
  for (const element of document.querySelectorAll("[data-say]")) element.textContent = say(element.dataset.say);
  for (const button of document.querySelectorAll("[data-language]"))
    button.setAttribute("aria-pressed", String(button.dataset.language === chosen));
  const before = said;
  if (last) show(last);
  status(before);
}

at("form").addEventListener("submit", ask);
at("key").addEventListener("change", listData);
at("stop").addEventListener("click", () => running?.abort());
at("close").addEventListener("click", close);
at("question").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) at("form").requestSubmit();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !at("source").hidden) close();
});
for (const button of document.querySelectorAll("[data-language]"))
  button.addEventListener("click", () => speak(button.dataset.language));
addEventListener("pagehide", () => {
  running?.abort();
  at("key").value = "";
  show(null);
});
speak(language);
