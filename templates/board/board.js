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
  if (done.ok) answered(button);
});
// Several jobs at once: every shot of a scene again.
on("click", "[data-sends]", async button => {
  for (const job of JSON.parse(button.dataset.sends)) if (!(await send("POST", "/api/v1/jobs", job)).ok) return;
  answered(button);
});
// In the morning's list an answered scene steps back, and the next one comes under the thumb.
function answered(element) {
  if (!element.hasAttribute("data-done")) return;
  const scene = element.closest("[data-dawn]");
  scene.querySelector("video")?.pause();
  scene.querySelector("details")?.removeAttribute("open");
  scene.classList.add("done");
  document.querySelector("[data-dawn]:not(.done)")?.scrollIntoView({behavior: "smooth"});
}

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
  source.addEventListener("farm", event => { if ($("farm")?.dataset.stamp !== JSON.parse(event.data).digest) refresh($("farm")); });
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

// ------------------------------------------------------------------------------------------- edits in place
// A form with typed text is left alone by whatever comes from the server (hx-morph-skip) until it is saved or
// taken back; whether it has typed text is computed from its old value, never remembered.
const area = form => form.querySelector("textarea");
const typed = form => area(form).value !== form.dataset.old;
function mark(form) {
  const is = typed(form);
  form.classList.toggle("dirty", is);
  form.toggleAttribute("hx-morph-skip", is);
  if (is && !form.querySelector(".actions")) {
    const row = document.createElement("div");
    row.className = "actions tools";
    row.append(button(body.save, () => form.requestSubmit()), button(body.back, () => takeBack(form)));
    form.append(row);
  } else if (!is) form.querySelector(".actions")?.remove();
}
function button(text, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  made.addEventListener("click", act);
  return made;
}
function takeBack(form) {
  area(form).value = form.dataset.old;
  form.querySelector(".conflict")?.remove();
  mark(form);
  area(form).focus();
}
on("input", ".edit textarea", text => mark(text.form));
on("keydown", ".edit textarea", (text, event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); text.form.requestSubmit(); }
  if (event.key === "Escape") { event.preventDefault(); takeBack(text.form); text.blur(); }
});
on("submit", ".edit", async (form, event) => {
  event.preventDefault();
  if (!typed(form) || form.dataset.sending) return;
  form.dataset.sending = "1";
  const mine = area(form).value, value = {[form.dataset.key]: mine};
  value.old = form.dataset.old;
  const done = await send("PATCH", form.dataset.patch, value);
  delete form.dataset.sending;
  if (done.ok) {
    form.querySelector(".conflict")?.remove();
    form.dataset.old = mine;
    mark(form);
    refresh(form.closest("[data-scene]"));
    refresh($("head"));
  } else if (done.status === 409) conflict(form, done.answer.now);
});
// Somebody else changed the same words: both are shown, and a person decides.
function conflict(form, now) {
  form.querySelector(".conflict")?.remove();
  const box = document.createElement("div"), words = document.createElement("q"), says = document.createElement("p");
  box.className = "conflict";
  box.setAttribute("role", "alert");
  says.textContent = (now === null ? body.gone : body.conflict) + " ";
  if (now !== null) { words.textContent = now; words.dir = "auto"; says.append(words); }
  const row = document.createElement("div");
  row.className = "tools";
  if (now !== null) row.append(button(body.mine, () => { form.dataset.old = now; mark(form); form.requestSubmit(); }));
  row.append(button(body.theirs, () => {
    area(form).value = form.dataset.old = now ?? form.dataset.old;
    box.remove();
    mark(form);
    refresh(form.closest("[data-scene]"));
  }));
  box.append(says, row);
  form.append(box);
}
const edits = () => [...document.querySelectorAll(".edit")];
// A text that was typed in once does not follow what the server sends (its "dirty value"): it is told.
document.addEventListener("htmx:after:swap", () => edits().forEach(form => {
  if (!form.hasAttribute("hx-morph-skip") && typed(form)) area(form).value = form.dataset.old;
  mark(form);
}));
window.addEventListener("beforeunload", event => { if (edits().some(typed)) event.preventDefault(); });
// Selects and numbers are changed at once.
on("change", "[data-set]", async field => {
  const {set, key, old, number} = field.dataset, given = value => value === "" ? null : number ? Number(value) : value;
  const done = await send("PATCH", set, {[key]: given(field.value), old: given(old)});
  if (done.ok) field.dataset.old = field.value;
  else { if (done.status === 409) toast(`${body.conflict} ${done.answer.now ?? "–"}`); field.value = old; }
});
// Files of one's own: uploaded into the episode, then named by the script.
on("change", "[data-upload]", async field => {
  const file = field.files[0];
  if (!file) return;
  field.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(field.dataset.upload + encodeURIComponent(file.name), {method: "PUT", body: file});
    const answer = await response.json();
    if (!response.ok) toast(answer.detail);
    else await send("PATCH", field.dataset.setFile, {file: answer.file, old: null});
  } catch { toast(body.notSent); }
  field.removeAttribute("aria-busy");
  field.value = "";
});
// Forms that add something or ask for a job.
on("submit", "[data-add], [data-job]", async (form, event) => {
  event.preventDefault();
  const value = Object.fromEntries(new FormData(form));
  if (form.dataset.into) value.scene = form.dataset.into;
  const submit = form.querySelector("button.main, button:not([type=button])");
  submit?.setAttribute("aria-busy", "true");
  const done = form.dataset.job
    ? await send("POST", "/api/v1/jobs", {...JSON.parse(form.dataset.job), ...value})
    : await send("POST", form.dataset.add, value);
  submit?.removeAttribute("aria-busy");
  if (!done.ok) return;
  if (done.answer.page) location.assign(done.answer.page);
  else form.reset();
  answered(form);
});

// ----------------------------------------------------------------------------------------- the storyboard
const board = $("board");
const scenes = () => [...document.querySelectorAll("[data-scene]")];
async function moveScene(id, to) {
  const old = scenes().map(scene => scene.dataset.scene), order = old.filter(each => each !== id);
  order.splice(to, 0, id);
  if (to < 0 || to >= old.length || order.join() === old.join()) return;
  const done = await send("PUT", board.dataset.api + "/order", {old, new: order});
  if (done.status === 409) { refresh($("scenes")); toast(body.conflict + " " + done.answer.now.join(", ")); }
}
const placeOf = scene => scenes().indexOf(scene);
on("click", "[data-move]", button => {
  const scene = button.closest("[data-scene]");
  moveScene(scene.dataset.scene, placeOf(scene) + Number(button.dataset.move));
});
// A scene is dragged by its heading onto the one whose place it takes.
let dragged = null;
on("dragstart", "[data-drag]", (heading, event) => {
  dragged = heading.closest("[data-scene]");
  event.dataTransfer.setData("text/plain", dragged.dataset.scene);
  event.dataTransfer.effectAllowed = "move";
});
on("dragover", "[data-scene]", (scene, event) => {
  if (!dragged || scene === dragged) return;
  event.preventDefault();
  for (const each of scenes()) each.classList.toggle("target", each === scene);
});
on("drop", "[data-scene]", (scene, event) => {
  if (!dragged) return;
  event.preventDefault();
  moveScene(dragged.dataset.scene, placeOf(scene));
});
on("dragend", "[data-drag]", () => { dragged = null; for (const each of scenes()) each.classList.remove("target"); });
document.addEventListener("parts", event => {
  const digests = event.detail, here = scenes().map(scene => scene.dataset.scene);
  const there = Object.keys(digests).filter(name => name);
  if (there.join() !== here.join()) refresh($("scenes"));
  else for (const scene of scenes()) if (scene.dataset.stamp !== digests[scene.dataset.scene]) refresh(scene);
  if ($("head") && $("head").dataset.stamp !== digests[""]) {
    refresh($("head"));
    htmx.ajax?.("GET", board.dataset.url + "/films", {target: "#films", swap: "outerMorph"});
  }
});
// What is made now shows on its card and in the bar.
let mine = null;
document.addEventListener("jobs", event => {
  const here = event.detail.working.filter(job => job.episode === body.episode && job.kind !== "speak");
  mine = here[0] ?? null;
  const box = $("progress");
  if (box) {
    box.hidden = !mine;
    if (mine) { if (!mine.progress.label) mine.progress.label = mine.title; show(box, mine); }
    else { box.querySelector(".preview").hidden = true; box.querySelector(".label").textContent = ""; }
  }
  document.querySelector(".bar .worked")?.toggleAttribute("hidden", mine !== null);
  for (const filming of document.querySelectorAll(".filming")) {
    const shot = filming.id.slice("filming-".length), is = mine !== null && mine.progress.shot === shot;
    if (is) show(filming, mine);
    if (filming.hidden === is) filming.hidden = !is;
  }
  waitForVoices(event.detail);
});
on("click", "#stop", () => mine && send("POST", `/api/v1/jobs/${mine.number}/stop`));
// Moving pictures on hover, focus or tap.
const stills = new WeakMap();
function play(img) { if (!stills.has(img)) { stills.set(img, img.src); img.src = img.dataset.moving; } }
function rest(img) { if (stills.has(img)) { img.src = stills.get(img); stills.delete(img); } }
for (const kind of ["pointerover", "focusin"]) on(kind, ".picture", picture => play(picture.querySelector("img")));
for (const kind of ["pointerout", "focusout"]) on(kind, ".picture", picture => rest(picture.querySelector("img")));
// Lines are heard; one that is not spoken yet is spoken first.
const player = new Audio();
const awaited = new Map();  // the number of a job -> the line's button
on("click", ".hear", async button => {
  if (button.dataset.wav) return hear(button.dataset.wav);
  button.setAttribute("aria-busy", "true");
  const done = await send("POST", "/api/v1/jobs", JSON.parse(button.dataset.speak));
  if (done.ok) awaited.set(String(done.answer.number), button.closest("[data-line]").id);
  else button.removeAttribute("aria-busy");
});
function hear(url) { player.src = url; return player.play().catch(() => {}); }
async function waitForVoices(state) {
  for (const [number, id] of awaited) {
    if (!(number in state.ended)) continue;
    awaited.delete(number);
    const job = (await send("GET", `/api/v1/jobs/${number}`)).answer;
    const line = $(id), button = line?.querySelector(".hear");
    button?.removeAttribute("aria-busy");
    if (job.state !== "done") toast(job.fault || job.state);
    else {
      const digest = job.made.path.match(/-([0-9a-f]{8})\.wav$/)?.[1];
      if (digest) { const url = `${board.dataset.url}/voices/${digest}.wav`; if (button) button.dataset.wav = url; hear(url); }
      refresh(line?.closest("[data-scene]"));
    }
  }
}
async function playScene(scene) {
  for (const button of scene.querySelectorAll(".hear[data-wav]")) {
    await hear(button.dataset.wav);
    await new Promise(done => { player.onended = player.onpause = done; });
    if (!player.ended) return;
  }
}
on("click", "[data-check]", async button => {
  button.setAttribute("aria-busy", "true");
  const done = await send("GET", button.dataset.check);
  button.removeAttribute("aria-busy");
  if (done.ok) info(done.answer.lines.join("\n"));
});
function info(text) {
  const box = document.createElement("dialog"), lines = document.createElement("pre"), close = button("✕", () => box.close());
  lines.textContent = text;
  close.setAttribute("aria-label", "✕");
  box.className = "info";
  box.append(close, lines);
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
}
document.addEventListener("htmx:after:swap", () => {
  const box = document.querySelector("dialog[data-open]:not([open])");
  if (box) { box.removeAttribute("data-open"); box.addEventListener("close", () => box.remove()); box.showModal(); }
});
on("click", "dialog [data-close]", button => setTimeout(() => button.closest("dialog").close(), 50));

// -------------------------------------------------------------------------------------------------- keys
const busy = target => target.closest("input, textarea, select, dialog[open], [contenteditable]");
const at = selector => document.activeElement?.closest(selector);
function step(list, here, by, goTo) {
  if (!list.length) return;
  const place = here ? list.indexOf(here) : -1;
  goTo(list[Math.min(list.length - 1, Math.max(0, here ? place + by : 0))]);
}
const goScene = scene => { scene.querySelector("h2").focus({preventScroll: true}); scene.scrollIntoView({block: "start"}); };
const goShot = shot => { shot.focus(); shot.scrollIntoView({block: "nearest", inline: "nearest"}); };
const KEYS = {
  j: () => step(scenes(), at("[data-scene]"), 1, goScene),
  k: () => step(scenes(), at("[data-scene]"), -1, goScene),
  l: () => step([...document.querySelectorAll("[data-shot]")], at("[data-shot]"), 1, goShot),
  h: () => step([...document.querySelectorAll("[data-shot]")], at("[data-shot]"), -1, goShot),
  e: () => (at("[data-shot], [data-line]") ?? at("[data-scene]"))?.querySelector("textarea")?.focus(),
  t: () => at("[data-shot]")?.querySelector(".retake")?.click(),
  c: () => at("[data-shot]")?.querySelector(".compare")?.click(),
  s: () => at("[data-scene]") && playScene(at("[data-scene]")),
  m: () => $("make")?.click(),
  "?": () => $("keys")?.showModal(),
};
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || !board) return;
  const dialog = document.querySelector("dialog.compare[open]");
  if (/^[1-9]$/.test(event.key) && !event.target.closest("input, textarea, select")) {
    if (dialog) dialog.querySelector(`[data-pick-take="${event.key}"]`)?.click();
    else pick(at("[data-shot]"), Number(event.key));
    return;
  }
  if (busy(event.target) || !KEYS[event.key]) return;
  event.preventDefault();
  KEYS[event.key]();
});
function pick(shot, number) {
  if (!shot?.dataset.takes.split(" ").includes(String(number))) return;
  const old = shot.dataset.ownPick ? Number(shot.dataset.ownPick) : null;
  send("PATCH", `${board.dataset.api}/shots/${shot.dataset.shot}`, {pick: number, old});
}
edits().forEach(mark);
