// The chat in the browser. Gradio calls this with (element, trigger, props, server, upload, watch)
// and WORDS before it. The server sends payloads in props.value; the page keeps its own turns, the
// list of conversations (localStorage) and which one this tab shows (sessionStorage).

const STORE = "ask-conversations";
const TAB = "ask-tab";
const KEEP = 60;
const root = element.querySelector(".chat");
const scroll = root.querySelector(".scroll");
const log = root.querySelector(".log");
const input = root.querySelector("textarea");
const go = root.querySelector(".go");
const halt = root.querySelector(".halt");
const toastBox = root.querySelector(".toast");
const welcome = root.querySelector(".welcome");

let current = newTab();
let busy = false;
let pending = null; // { key, text, at }: sent, and nothing has come back yet
let offline = false;

function newTab() {
  return { cid: crypto.randomUUID ? crypto.randomUUID() : String(Math.random()).slice(2), thread: "", title: "", answers: [] };
}

function stored(area, key, fallback) {
  try { return JSON.parse(area.getItem(key)) ?? fallback; } catch { return fallback; }
}

function keep(area, key, value) {
  try { area.setItem(key, JSON.stringify(value)); } catch { /* private mode: nothing is kept */ }
}

function browserId() {
  let id = stored(localStorage, "ask-browser", "");
  if (!id) { id = newTab().cid; keep(localStorage, "ask-browser", id); }
  return id;
}

// -- turns ------------------------------------------------------------------------------------

function article(key) {
  return log.querySelector(`article[data-key="${CSS.escape(key)}"]`);
}

function draw(turn, isLast) {
  let box = article(turn.key);
  const waiting = log.querySelector("article.sent");
  if (!box && waiting && isLast) { box = waiting; box.classList.remove("sent"); }
  if (!box) { box = document.createElement("article"); log.insertBefore(box, waiting); }
  box.dataset.key = turn.key;
  box.dataset.question = turn.question;
  box.dataset.answer = turn.answer || "";
  box.dataset.done = turn.done;
  const opened = [...box.querySelectorAll("details")].map((item) => item.open);
  box.innerHTML = turn.html;
  box.querySelectorAll("details").forEach((item, place) => { item.open = opened[place] ?? item.open; });
  if (turn.answer) markVote(box, turn.answer);
}

function sent(text) {
  const box = document.createElement("article");
  box.className = "sent";
  const question = document.createElement("section");
  question.className = "q";
  question.setAttribute("aria-label", WORDS.question);
  const said = document.createElement("p");
  said.className = "said";
  said.textContent = text;
  question.append(said);
  const answer = document.createElement("section");
  answer.className = "a";
  answer.innerHTML = `<p class="wait"></p>`;
  answer.firstChild.textContent = WORDS.thinking;
  box.append(question, answer);
  log.append(box);
  follow(true);
}

function apply(message) {
  if (message.turns) {
    current.thread = message.thread;
    message.turns.forEach((turn, place) => draw(turn, place === message.turns.length - 1));
    // A question that was just sent stays until its own turn comes: what arrives may still be the
    // picture of the turn before.
    const keys = new Set(message.keys);
    for (const box of [...log.querySelectorAll("article:not(.sent)")]) {
      if (!keys.has(box.dataset.key)) box.remove();
    }
    const boxes = [...log.querySelectorAll("article")];
    current.answers = boxes.map((box) => box.dataset.answer).filter(Boolean);
    const waiting = boxes.some((box) => box.classList.contains("sent"));
    setBusy(waiting || boxes.some((box) => box.dataset.done === "false"));
    if (!waiting) pending = null;
    welcome.hidden = boxes.length > 0;
    root.classList.toggle("empty", boxes.length === 0);
    if (!message.shared) remember(boxes);
    follow(message.turns.length > 1);
  }
  if (message.toast) toast(message.toast);
  if (message.download) save(message.download);
  if (message.missing) { forget(message.missing); fresh(); }
  if (message.send) { window.askUrl?.("chat"); submit(message.send); }
}

function follow(always) {
  // The page follows the newest turn unless the reader has scrolled up.
  const near = scroll.clientHeight + scroll.scrollTop > scroll.scrollHeight - 260;
  const last = log.lastElementChild;
  if (!last || !(always || near)) return;
  const tall = last.offsetHeight > scroll.clientHeight - 20;
  scroll.scrollTop = tall ? last.offsetTop - 8 : scroll.scrollHeight;
}

// -- asking -----------------------------------------------------------------------------------

function setBusy(value) {
  busy = value;
  root.dataset.busy = value;
  go.hidden = value;
  halt.hidden = !value;
}

function context() {
  return { thread: current.thread, answers: current.answers, cid: current.cid };
}

function submit(text) {
  text = text.trim();
  if (!text || busy) return;
  setBusy(true);
  pending = { text, at: Date.now() };
  welcome.hidden = true;
  root.classList.remove("empty");
  sent(text);
  trigger("ask", { text, ...context() });
}

function again(box, text) {
  if (busy || !text.trim()) return;
  setBusy(true);
  pending = { text, at: Date.now() };
  while (box.nextElementSibling) box.nextElementSibling.remove();
  box.remove();
  sent(text.trim());
  trigger("again", { key: box.dataset.key, text: text.trim(), ...context() });
}

function grow() {
  input.style.height = "auto";
  input.style.height = Math.min(input.scrollHeight, 220) + "px";
}

root.querySelector("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (busy) return;
  submit(input.value);
  input.value = "";
  grow();
});
input.addEventListener("input", grow);
input.addEventListener("keydown", (event) => {
  // While Japanese is being converted, Enter belongs to the input method.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  root.querySelector("form").requestSubmit();
});

// -- buttons ----------------------------------------------------------------------------------

const ACTIONS = {
  ask: (button) => submit(button.dataset.text),
  stop: () => trigger("stop", {}),
  retry: (button, box) => again(box, box.dataset.question),
  edit: (button, box) => edit(box),
  copy: (button, box) => copy(button.dataset.of === "q" ? box.dataset.question : source(box), WORDS.copied),
  permalink: (button) => copy(linkTo(button.dataset.id), WORDS.permalink_copied),
  up: (button, box) => vote(box, button, "up"),
  down: (button, box) => vote(box, button, "down"),
  reason: (button, box) => reason(box, button.dataset.text),
  fresh: () => { fresh(); trigger("fresh", {}); input.focus(); },
  export: (button) => trigger("export", { format: button.dataset.format }),
  file: (button) => trigger("file", { id: button.dataset.id, name: button.dataset.name }),
  open: (button) => openThread(button.closest("li").dataset.cid),
  forget: (button) => { forget(button.closest("li").dataset.cid); },
};

root.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  if (!button) return;
  ACTIONS[button.dataset.act]?.(button, button.closest("article"));
});

function source(box) {
  return box.querySelector("template.source").content.textContent;
}

function linkTo(id) {
  const url = new URL(location.href);
  url.search = "?answer=" + encodeURIComponent(id);
  url.hash = "";
  return url.href;
}

async function copy(text, done) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without https a page has no clipboard, but it may copy a selection.
    const area = document.createElement("textarea");
    area.value = text;
    root.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    if (!copied) { toast(WORDS.copy_failed); return; }
  }
  toast(done);
}

function edit(box) {
  if (busy) return;
  const question = box.querySelector(".q");
  question.classList.add("editing");
  const form = document.createElement("form");
  form.className = "rewrite";
  const area = document.createElement("textarea");
  area.setAttribute("aria-label", WORDS.edit);
  area.value = box.dataset.question;
  area.rows = Math.min(8, area.value.split("\n").length + 1);
  const save = document.createElement("button");
  save.type = "submit";
  save.className = "go";
  save.textContent = WORDS.edit_save;
  const leave = document.createElement("button");
  leave.type = "button";
  leave.textContent = WORDS.cancel;
  leave.addEventListener("click", () => { form.remove(); question.classList.remove("editing"); });
  form.addEventListener("submit", (event) => { event.preventDefault(); again(box, area.value); });
  form.append(area, save, leave);
  question.append(form);
  area.focus();
}

// -- votes ------------------------------------------------------------------------------------

function markVote(box, answer) {
  const given = stored(localStorage, "ask-votes", {})[answer];
  for (const name of ["up", "down"]) {
    box.querySelector(`[data-act="${name}"]`)?.setAttribute("aria-pressed", String(given === name));
  }
}

function vote(box, button, value) {
  const id = button.dataset.id;
  const votes = stored(localStorage, "ask-votes", {});
  votes[id] = value;
  keep(localStorage, "ask-votes", Object.fromEntries(Object.entries(votes).slice(-300)));
  markVote(box, id);
  trigger("vote", { id, vote: value, browser: browserId() });
  const why = box.querySelector(".why");
  why.hidden = value !== "down";
  if (value === "down") askWhy(why, box);
}

function askWhy(why, box) {
  why.replaceChildren();
  const lead = document.createElement("span");
  lead.className = "lead";
  lead.textContent = WORDS.why;
  why.append(lead);
  for (const text of WORDS.reasons) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quick";
    button.dataset.act = "reason";
    button.dataset.text = text;
    button.textContent = text;
    why.append(button);
  }
  const form = document.createElement("form");
  const line = document.createElement("input");
  line.type = "text";
  line.maxLength = 1000;
  line.setAttribute("aria-label", WORDS.reason_label);
  line.placeholder = WORDS.reason_label;
  const button = document.createElement("button");
  button.type = "submit";
  button.textContent = WORDS.reason_send;
  form.append(line, button);
  form.addEventListener("submit", (event) => { event.preventDefault(); if (line.value.trim()) reason(box, line.value); });
  why.append(form);
  why.scrollIntoView({ block: "nearest" });
}

function reason(box, text) {
  trigger("vote", { id: box.dataset.answer, vote: "down", reason: text, browser: browserId() });
  box.querySelector(".why").hidden = true;
}

// -- conversations of this browser -------------------------------------------------------------

function remember(boxes) {
  keep(sessionStorage, TAB, current);
  if (!current.answers.length) return;
  current.title = boxes[0].dataset.question.slice(0, 80);
  const others = stored(localStorage, STORE, []).filter((item) => item.cid !== current.cid);
  keep(localStorage, STORE, [{ ...current, at: Date.now() }, ...others].slice(0, KEEP));
  list();
}

function list() {
  const items = stored(localStorage, STORE, []);
  const place = root.querySelector(".threads");
  place.replaceChildren(...items.map(row));
  if (!items.length) {
    const empty = document.createElement("li");
    empty.className = "note";
    empty.textContent = WORDS.history_empty;
    place.append(empty);
  }
}

function row(item) {
  const line = document.createElement("li");
  line.dataset.cid = item.cid;
  const open = document.createElement("button");
  open.dataset.act = "open";
  open.textContent = item.title;
  open.title = item.title;
  if (item.cid === current.cid) open.setAttribute("aria-current", "true");
  const remove = document.createElement("button");
  remove.dataset.act = "forget";
  remove.className = "x";
  remove.setAttribute("aria-label", `${WORDS.remove}: ${item.title}`);
  remove.textContent = "×";
  line.append(open, remove);
  return line;
}

function openThread(cid) {
  const item = stored(localStorage, STORE, []).find((found) => found.cid === cid);
  if (!item || busy) return;
  current = { cid: item.cid, thread: item.thread, title: item.title, answers: item.answers };
  trigger("open", context());
  list();
}

function forget(cid) {
  keep(localStorage, STORE, stored(localStorage, STORE, []).filter((item) => item.cid !== cid));
  list();
}

function fresh() {
  current = newTab();
  keep(sessionStorage, TAB, current);
  log.replaceChildren();
  welcome.hidden = false;
  root.classList.add("empty");
  setBusy(false);
  list();
  const url = new URL(location.href);
  if (url.searchParams.has("answer")) { url.searchParams.delete("answer"); history.replaceState(null, "", url); }
}

// -- the rest ---------------------------------------------------------------------------------

let hiding = 0;
function toast(text) {
  toastBox.textContent = text;
  toastBox.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => { toastBox.hidden = true; }, 4000);
}

function save(file) {
  const anchor = document.createElement("a");
  const content = file.base64 ? Uint8Array.from(atob(file.base64), (c) => c.charCodeAt(0)) : file.text;
  anchor.href = URL.createObjectURL(new Blob([content], { type: file.type }));
  anchor.download = file.name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(anchor.href), 1000);
}

function healthUrl() {
  return new URL((document.documentElement.dataset.root || "") + "/healthz", location.origin);
}

async function watchServer() {
  // A question that hangs may mean that the server is gone: say so, and go on when it is back.
  if (!offline && !(busy && pending && Date.now() - pending.at > 8000)) return;
  let alive = false;
  try { alive = (await fetch(healthUrl(), { cache: "no-store" })).ok; } catch { alive = false; }
  if (!alive && !offline) { offline = true; root.dataset.offline = "true"; toast(WORDS.offline); }
  if (alive && offline) { location.reload(); }
}
setInterval(watchServer, 2000);

window.addEventListener("storage", (event) => { if (event.key === STORE) list(); });
window.askChat = { send: submit, draft: (text) => { input.value = text; grow(); input.focus(); } };

watch("value", () => apply(JSON.parse(props.value)));
list();
root.classList.add("empty");
const linked = new URLSearchParams(location.search).get("answer");
const last = stored(sessionStorage, TAB, null);
if (linked) {
  trigger("show", { id: linked });
} else if (last && last.answers.length) {
  current = last;
  trigger("open", context());
}
if (matchMedia("(min-width: 700px)").matches && !linked) input.focus({ preventScroll: true });
// What stands in the box when the server went away is still there after the reload.
input.value = stored(sessionStorage, "ask-draft", "");
window.addEventListener("pagehide", () => {
  keep(sessionStorage, "ask-draft", input.value || (pending ? pending.text : ""));
});
grow();
// On a phone the list would stand before the conversation.
if (!matchMedia("(min-width: 860px)").matches) root.querySelector(".fold").open = false;
