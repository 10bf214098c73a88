// The recordings view: begin and end, the files, and playing one back. What changes something, or holds
// the configuration as it was written, needs the token; it is kept for this tab only.

import { $, element, fetchJson, save, set, size, state } from "./page.js";
import { phrase, reason, refusal } from "./reasons.js";
import { say } from "./words.js";

let told = null, played = null;

export async function record() {
  try {
    [told, played] = await Promise.all([fetchJson("api/v1/recordings"), fetchJson("api/v1/replay")]);
  } catch {
    return;
  }
  show();
}

const word = () => ({ authorization: `Bearer ${$("token").value}` });

/** The unit, when its run began and which part of it, out of the name of a file. */
function partsOf(name) {
  const [, y, mo, d, h, mi, s, part] = name.match(/-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)\.\d+Z-(\d+)\.mcap$/) ?? [];
  return y ? [`${y}-${mo}-${d} ${h}:${mi}:${s}`, String(Number(part) + 1)] : ["–", "–"];
}

const utc = (ms) => new Date(ms).toISOString().slice(0, 19).replace("T", " ");

function show() {
  const { status } = state, can = Boolean(told.folder), recording = status?.recording;
  const past = status?.replay != null, may = (status?.may_change ?? false) && !past;
  set($("record-state"), past ? say("record-past") : !can ? say("record-none") : told.trouble ? say("do-record", phrase(told.trouble)) : told.on
    ? say("record-on", told.folder, size(recording?.bytes ?? 0), recording?.dropped ?? 0) : say("record-off", told.folder));
  $("record-state").className = told.trouble ? "lamp-line bad" : told.on ? "lamp-line live" : "lamp-line";
  set($("record-free"), can ? say("record-free", size(told.free_bytes ?? 0), told.files.length, size(told.files.reduce((sum, file) => sum + file.bytes, 0))) : "");
  $("record-switch").disabled = !can || !may;
  set($("record-switch"), say(told.on ? "record-end" : "record-begin"));
  $("token-form").hidden = !may || !can;
  set($("record-may"), may || past || !can ? "" : say("record-may-not"));
  $("record-files").hidden = !told.files.length;
  $("replay-how").hidden = !may;
  playing(may);
  const body = $("record-rows");
  while (body.rows.length > told.files.length) body.deleteRow(-1);
  told.files.forEach((file, place) => {
    let row = body.rows[place];
    if (!row) {
      row = body.insertRow();
      for (let i = 0; i < 5; i++) row.insertCell();
      row.cells[0].append(element("code"));
      for (const kind of ["play", "fetch"]) {
        const button = element("button", "", kind);
        button.type = "button";
        row.cells[4].append(button, " ");
      }
    }
    const [began, part] = partsOf(file.name);
    set(row.cells[0].firstChild, file.name);
    // The name tells when the run began; a later part, when it was written.
    set(row.cells[1], `${file.began_utc_ms === null ? began : utc(file.began_utc_ms)} – ${file.growing || file.ended_utc_ms === null ? "" : utc(file.ended_utc_ms).slice(11)}`);
    set(row.cells[2], file.growing ? `${part} · ${say("growing")}` : part);
    set(row.cells[3], size(file.bytes));
    const [play, fetch] = row.cells[4].querySelectorAll("button");
    for (const [button, name, act] of [[play, "play", begin], [fetch, "download", fetchFile]]) {
      set(button, say(name));
      button.ariaLabel = `${say(name)} ${file.name}`;
      button.disabled = !may;
      button.onclick = () => act(file.name);
    }
    play.disabled ||= played.state === "playing";
  });
}

/** What is played back just now, or was. */
function playing(may) {
  const { state: how, file, speed, said } = played, on = how === "playing";
  $("replay-now").hidden = how === "none";
  $("replay-now").className = `card ${how === "failed" ? "bad" : on ? "live" : ""}`;
  if (how === "none") return;
  set($("replay-state"), say(`replay-${how}`, file, speed));
  // Of one that has ended: how much was the same as then.
  set($("replay-said"), on ? "" : said.map(reason).join(" "));
  $("replay-open").hidden = !on;
  $("replay-end").hidden = !may;
  set($("replay-end"), say(on ? "replay-stop" : "replay-forget"));
}

function answer(text, bad) {
  set($("record-said"), text);
  $("record-said").className = bad ? "bad" : "";
}

async function ask(path, wish) {
  const response = await fetch(path, { method: "POST", headers: { ...word(), "content-type": "application/json" }, body: JSON.stringify(wish) });
  const said = await response.json();
  if (response.status === 401) throw new Error(say($("token").value ? "token-wrong" : "token-needed"));
  if (!response.ok) throw new Error(refusal(said));
  return said;
}

/** Does it and says what came of it. */
async function attempt(act) {
  try {
    answer((await act()) ?? "");
  } catch (error) {
    answer(error.message, true);
  }
  record();
}

const begin = (file) => attempt(async () => {
  const [from, to] = ["replay-from", "replay-to"].map((name) => $(name).value.trim() || null);
  await ask("api/v1/replay", { file, speed: Number($("replay-speed").value), from, to });
  return say("replay-begun");
});
$("replay-end").onclick = () => attempt(async () => { await ask("api/v1/replay", { file: null }); });

const fetchFile = (name) => attempt(async () => {
  answer(say("fetching", name));
  const response = await fetch(`api/v1/recordings/${encodeURIComponent(name)}`, { headers: word() });
  if (response.status === 401) throw new Error(say($("token").value ? "token-wrong" : "token-needed"));
  if (!response.ok) throw new Error(refusal(await response.json()));
  save(name, await response.blob(), "application/octet-stream");
  return say("fetched", name);
});

$("record-switch").onclick = () => attempt(async () => say((await ask("api/v1/recording", { on: !told.on })).on ? "begun" : "ended-now"));
$("token-form").onsubmit = (event) => event.preventDefault();
