// The recordings view: begin and end, the files, and how to play one. What changes something, or holds
// the configuration as it was written, needs the token; it is kept for this tab only.

import { $, element, fetchJson, save, set, size, state } from "./page.js";
import { say } from "./words.js";

let told = null;

export async function record() {
  try {
    told = await fetchJson("/api/v1/recordings");
  } catch {
    return;
  }
  show();
}

const word = () => ({ authorization: `Bearer ${$("token").value}` });

function show() {
  const { status } = state, can = Boolean(told.folder), recording = status?.recording;
  const may = status?.may_change ?? false;
  set($("record-state"), !can ? say("record-none") : told.trouble ? say("do-record", told.trouble) : told.on
    ? say("record-on", told.folder, size(recording?.bytes ?? 0), recording?.dropped ?? 0) : say("record-off", told.folder));
  $("record-state").className = told.trouble ? "bad" : "";
  set($("record-free"), can ? say("record-free", size(told.free_bytes ?? 0), told.files.length, size(told.files.reduce((sum, file) => sum + file.bytes, 0))) : "");
  $("record-switch").disabled = !can || !may;
  set($("record-switch"), say(told.on ? "record-end" : "record-begin"));
  $("token-form").hidden = !may;
  set($("record-may"), may ? "" : say("record-may-not"));
  const body = $("record-rows");
  while (body.rows.length > told.files.length) body.deleteRow(-1);
  told.files.forEach((file, place) => {
    let row = body.rows[place];
    if (!row) {
      row = body.insertRow();
      for (let i = 0; i < 5; i++) row.insertCell();
      const button = element("button", "");
      button.type = "button";
      row.cells[3].append(button);
      row.cells[4].append(element("code"));
    }
    set(row.cells[0], file.name);
    set(row.cells[1], size(file.bytes));
    set(row.cells[2], file.growing ? say("growing") : "");
    const button = row.cells[3].firstChild;
    set(button, say("download"));
    button.ariaLabel = `${say("download")} ${file.name}`;
    button.disabled = !may;
    button.onclick = () => fetchFile(file.name);
    set(row.cells[4].firstChild, `rsu replay ${told.folder}/${file.name} --console 127.0.0.1:8381`);
  });
}

function answer(text, bad) {
  set($("record-said"), text);
  $("record-said").className = bad ? "bad" : "";
}

async function fetchFile(name) {
  answer(say("fetching", name));
  try {
    const response = await fetch(`/api/v1/recordings/${encodeURIComponent(name)}`, { headers: word() });
    if (!response.ok) return answer((await response.json()).error, true);
    save(name, await response.blob(), "application/octet-stream");
    answer(say("fetched", name));
  } catch (error) {
    answer(String(error), true);
  }
}

$("record-switch").onclick = async () => {
  try {
    const response = await fetch("/api/v1/recording", { method: "POST",
      headers: { ...word(), "content-type": "application/json" }, body: JSON.stringify({ on: !told.on }) });
    const said = await response.json();
    answer(said.error ?? say(said.on ? "begun" : "ended-now"), !response.ok);
  } catch (error) {
    answer(String(error), true);
  }
  record();
};
$("token-form").onsubmit = (event) => event.preventDefault();
