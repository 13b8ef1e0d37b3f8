// One clip: the form becomes a job; files are sent as soon as they are chosen; the settings are in the address,
// so that a reload, a bookmark and "as this one" fill them in.
"use strict";
const form = $("clip");
const given = () => {
  const value = {};
  for (const [name, text] of new FormData(form)) {
    if (typeof text !== "string" || !text.trim()) continue;
    if (name === "lora") value.lora = text.split(",").map(each => each.trim()).filter(Boolean);
    else if (text === "true") value[name] = true;
    else value[name] = form.elements[name].type === "number" ? Number(text) : text;
  }
  return value;
};
function remember() {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(given())) query.append(name, [value].flat().join(","));
  history.replaceState(null, "", "/clip" + (query.size ? "?" + query : ""));
}
form.addEventListener("submit", async event => {
  event.preventDefault();
  const button = $("film");
  if (button.hasAttribute("aria-busy")) return;
  remember();
  button.setAttribute("aria-busy", "true");
  const done = await send("POST", "/api/v1/jobs", {kind: "clip", ...given()});
  button.removeAttribute("aria-busy");
  if (!done.ok) return;
  toast("");
  refresh($("clip-results"));
  if (matchMedia("(max-width: 60rem)").matches) $("clip-results").scrollIntoView();
});
form.addEventListener("change", () => { remember(); press(); });
// Presets: values of controls that go together; a second press takes them out again.
const holds = ([name, value]) => form.elements[name].type === "checkbox" ? form.elements[name].checked === value : form.elements[name].value === value;
const valuesOf = button => Object.entries(JSON.parse(button.dataset.preset));
function press() {
  for (const button of form.querySelectorAll("[data-preset]")) button.setAttribute("aria-pressed", valuesOf(button).every(holds));
}
on("click", "[data-preset]", button => {
  const isOn = valuesOf(button).every(holds);
  for (const [name, value] of valuesOf(button)) {
    const field = form.elements[name];
    if (field.type === "checkbox") field.checked = !isOn && value;
    else field.value = isOn ? "" : value;
  }
  remember();
  press();
});
press();
on("keydown", "#c-prompt", (text, event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});
on("change", "[data-reload]", () => { remember(); location.reload(); });

// ------------------------------------------------------------------------------------------------- files
async function put(file) {
  try {
    const response = await fetch("/api/v1/files/" + encodeURIComponent(file.name), {method: "PUT", body: file});
    const answer = await response.json();
    if (!response.ok) toast(answer.detail);
    return response.ok ? answer.file : null;
  } catch {
    toast(body.notSent);
    return null;
  }
}
on("change", "[data-file]", async input => {
  const file = input.files[0], kept = form.elements[input.dataset.file], taken = form.querySelector(`[data-forget="${input.dataset.file}"]`);
  if (!file) return;
  taken.hidden = false;
  taken.querySelector("span").textContent = form.dataset.sending;
  kept.value = (await put(file)) ?? "";
  taken.querySelector("span").textContent = form.dataset.taken.replace("…", file.name);
  taken.hidden = !kept.value;
  input.value = "";
  remember();
});
on("click", "[data-forget]", button => {
  form.elements[button.dataset.forget].value = "";
  button.hidden = true;
  remember();
});
on("change", "#like", async input => {
  const name = input.files[0] && await put(input.files[0]);
  input.value = "";
  const done = name && await send("POST", `/api/v1/files/${name}/settings`);
  if (!done?.ok) return;
  if (done.answer.lost.length) sessionStorage.setItem("lost", done.answer.lost.join(", "));
  location.assign(done.answer.page);
});
const lost = sessionStorage.getItem("lost");
sessionStorage.removeItem("lost");
if (lost) toast(`${form.dataset.lost} ${lost}`);

// ------------------------------------------------------------------------------------------------- clips
let list = null;
document.addEventListener("jobs", event => {
  const changed = list !== null && list !== event.detail.list;
  list = event.detail.list;
  if (changed) refresh($("clip-results"));
});
const still = matchMedia("(prefers-reduced-motion: reduce)");
function calm() { if (still.matches) for (const video of document.querySelectorAll("video[autoplay]")) video.pause(); }
document.addEventListener("htmx:after:swap", calm);
calm();
