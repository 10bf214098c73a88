// The configuration view: every value that holds and where it comes from, and what a check says of the
// file as it was read and as it lies there now.

import { $, element, fetchJson, rows, set, state } from "./page.js";
import { reason, refusal } from "./reasons.js";
import { say } from "./words.js";

let told = null;

export async function config() {
  try {
    told = await fetchJson("api/v1/config");
  } catch {
    return;
  }
  show();
}

export function show() {
  $("reload-form").hidden = !state.status?.may_change;
  if (!told) return;
  const wanted = $("config-filter").value.trim().toLowerCase(), own = $("config-own").checked;
  const values = told.values.filter((value) => (!own || value.line !== null) && (!wanted || value.key.includes(wanted)));
  rows($("config-rows"), values, ({ key, value, line }) => [key, value ?? "–",
    line !== null ? say("from-line", line) : say(value === null ? "not-given" : "from-default")]);
  const [main] = told.files;
  $("config-files").replaceChildren(...told.files.map((file) => element("li", `${file.path} · ${say("lines", file.lines)} · ${say(`disk-${file.on_disk}`)}`,
    file.on_disk === "changed" ? "warn" : "")));
  const line = (finding) => element("li", `${finding.file}${finding.line ? `:${finding.line}` : ""}: ${finding.key ? `${finding.key}: ` : ""}${reason({ ...finding, text: finding.reason })}`,
    finding.wrong ? "bad" : "warn");
  const list = (place, findings, good) => $(place).replaceChildren(...(findings.length ? findings.map(line) : [element("li", good)]));
  list("config-findings", told.findings, say("check-good"));
  $("config-next-part").hidden = told.next === null || main?.on_disk === "same";
  if (told.next) list("config-next", told.next.findings, say(told.next.runs ? "check-good" : "check-bad"));
}

$("config-reload").onclick = async () => {
  const answer = (text, bad) => {
    set($("config-said"), text);
    $("config-said").className = bad ? "bad" : "";
  };
  try {
    const response = await fetch("api/v1/reload", { method: "POST", headers: { authorization: `Bearer ${$("reload-token").value}` } });
    const said = await response.json();
    if (response.status === 401) return answer(say($("reload-token").value ? "token-wrong" : "token-needed"), true);
    answer(said.error ? refusal(said) : say(said.changed ? "reload-done" : "reload-same"), !response.ok);
  } catch (error) {
    answer(String(error), true);
  }
  config();
};
// The same word as for recordings, kept for this tab only.
const tokens = ["token", "reload-token"].map($);
for (const field of tokens) {
  field.value = sessionStorage.getItem("token") ?? "";
  field.onchange = () => {
    sessionStorage.setItem("token", field.value);
    for (const other of tokens) other.value = field.value;
  };
}
$("reload-form").onsubmit = (event) => event.preventDefault();
$("config-filter").oninput = show;
$("config-own").onchange = show;
