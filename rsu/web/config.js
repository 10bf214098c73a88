// The configuration view: every value that holds and where it comes from, and what a check says of the
// file as it was read and as it lies there now.

import { $, element, fetchJson, rows } from "./page.js";
import { say } from "./words.js";

let told = null;

export async function config() {
  try {
    told = await fetchJson("/api/v1/config");
  } catch {
    return;
  }
  show();
}

export function show() {
  if (!told) return;
  const wanted = $("config-filter").value.trim().toLowerCase(), own = $("config-own").checked;
  const values = told.values.filter((value) => (!own || value.line !== null) && (!wanted || value.key.includes(wanted)));
  rows($("config-rows"), values, ({ key, value, line }) => [key, value ?? "–",
    line !== null ? say("from-line", line) : say(value === null ? "not-given" : "from-default")]);
  const [main] = told.files;
  $("config-files").replaceChildren(...told.files.map((file) => element("li", `${file.path} · ${say("lines", file.lines)} · ${say(`disk-${file.on_disk}`)}`,
    file.on_disk === "changed" ? "warn" : "")));
  const line = (finding) => element("li", `${finding.file}${finding.line ? `:${finding.line}` : ""}: ${finding.key ? `${finding.key}: ` : ""}${finding.reason}`,
    finding.wrong ? "bad" : "warn");
  const list = (place, findings, good) => $(place).replaceChildren(...(findings.length ? findings.map(line) : [element("li", good)]));
  list("config-findings", told.findings, say("check-good"));
  $("config-next-part").hidden = told.next === null || main?.on_disk === "same";
  if (told.next) list("config-next", told.next.findings, say(told.next.runs ? "check-good" : "check-bad"));
}

$("config-filter").oninput = show;
$("config-own").onchange = show;
