// The board's own script. Everything that changes something is a call of /api/v1; what is shown comes from the
// server: pages fetch those of their parts whose digest is another one (`episode` events), and states are whole.
"use strict";
const body = document.body.dataset;
const $ = id => document.getElementById(id);
const on = (kind, selector, act) => document.addEventListener(kind, event => {
  const found = event.target.closest?.(selector);
  if (found) act(found, event);
}, true);

// ------------------------------------------------------------------------------------------------- calls
let toastTimer = 0;
function toast(text) {
  const box = $("toast");
  box.textContent = text;
  box.hidden = !text;
  clearTimeout(toastTimer);
  if (text) toastTimer = setTimeout(() => { box.hidden = true; }, 9000);
}
async function send(method, url, value) {
  const asked = {method, headers: {"Content-Type": "application/json"}};
  if (value !== undefined) asked.body = JSON.stringify(value);
  try {
    const response = await fetch(url, asked);
    const text = await response.text();
    let answer = {};
    try { answer = text ? JSON.parse(text) : {}; } catch { answer = {detail: text}; }
    if (!response.ok && response.status !== 409) toast(answer.detail || response.statusText);
    return {ok: response.ok, status: response.status, answer};
  } catch {
    toast(body.notSent);
    return {ok: false, status: 0, answer: {}};
  }
}
// A button that is a call: data-send="POST /api/v1/…", with data-body, asked for first with data-ask.
on("click", "[data-send]", async button => {
  if (button.dataset.ask && !confirm(button.dataset.ask)) return;
  const [method, url] = button.dataset.send.split(" ");
  button.setAttribute("aria-busy", "true");
  const done = await send(method, url, button.dataset.body ? JSON.parse(button.dataset.body) : undefined);
  button.removeAttribute("aria-busy");
  if (done.ok && button.dataset.then) location.assign(done.answer[button.dataset.then]);
});

// ---------------------------------------------------------------------------------------------- live states
let source = null;
function listen() {
  if (source || document.hidden) return;
  source = new EventSource("/events" + (body.episode ? "?episode=" + encodeURIComponent(body.episode) : ""));
  source.onopen = () => { if ($("live").dataset.kind === "fault") say(""); };
  source.onerror = () => {
    say(body.noAnswer, "fault");
    if (source.readyState === EventSource.CLOSED) { unlisten(); setTimeout(listen, 1000); }
  };
  source.addEventListener("jobs", event => jobs(JSON.parse(event.data)));
  source.addEventListener("episode", event => parts(JSON.parse(event.data)));
}
function unlisten() { source?.close(); source = null; }
function say(text, kind = "") {
  const live = $("live");
  if (live.textContent !== text) live.textContent = text;
  live.dataset.kind = kind;
}
// A hidden page lets its connection go (a browser has six for a host) and takes it up again when it is seen.
document.addEventListener("visibilitychange", () => document.hidden ? unlisten() : listen());
window.addEventListener("pagehide", unlisten);
window.addEventListener("pageshow", listen);

const seen = {list: null};
function jobs(state) {
  const count = $("queue-count"), waiting = state.waiting + state.working.length;
  count.textContent = waiting;
  count.hidden = !waiting;
  say(state.working.map(job => job.title + (job.progress.label ? ": " + job.progress.label : "")).join(" · "));
  if (seen.list !== null && seen.list !== state.list) refresh($("queue-list"));
  seen.list = state.list;
  for (const box of document.querySelectorAll("[data-job]")) {
    const job = state.working.find(job => String(job.number) === box.dataset.job);
    if (job) show(box, job);
  }
  document.dispatchEvent(new CustomEvent("jobs", {detail: state}));
}
function show(box, job) {
  const {label, done, total, left, preview} = job.progress;
  const text = box.querySelector(".label"), bar = box.querySelector("progress"), img = box.querySelector(".preview");
  if (text && label) text.textContent = label + (left ? ", " + left : "");
  if (bar && total) { bar.max = total; bar.value = done; } else if (bar) bar.removeAttribute("value");
  if (img && preview) {
    const url = `/jobs/${job.number}/preview.webp?${preview}`;
    if (img.getAttribute("src") !== url) img.src = url;
    img.hidden = false;
  }
}
const refresh = element => element && htmx.trigger(element, "changed");
function parts(digests) { document.dispatchEvent(new CustomEvent("parts", {detail: digests})); }

listen();
