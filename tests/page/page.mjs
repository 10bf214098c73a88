// The page in a real browser, while a demo runs: every page in both languages and on a phone, what it
// shows against the API, accessibility by axe, and the stream of news cut and resumed.
//
// Arguments: the page's address, the folder for screenshots. Not here: starting it all, see `run`.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { connect, createServer } from "node:net";
import { chromium } from "playwright-core";

const [address, folder] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8");
const PAGES = ["live", "signals", "participants", "messages", "health"];
mkdirSync(folder, { recursive: true });

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"],
});
const api = async (path) => (await fetch(address + path)).json();

/** Opens a page of its own, and holds it to what every page must keep to. */
async function open(language, viewport, scheme = "light", at = address) {
  const context = await browser.newContext({ locale: language, viewport, colorScheme: scheme, bypassCSP: false });
  const page = await context.newPage();
  const trouble = [];
  page.on("pageerror", (error) => trouble.push(String(error)));
  page.on("console", (message) => { if (message.type() === "error") trouble.push(message.text()); });
  page.on("request", (request) => {
    if (!request.url().startsWith(at) && !request.url().startsWith("blob:")) trouble.push(`asks ${request.url()}`);
  });
  await page.goto(`${at}/`);
  await page.waitForFunction(() => window.rsu?.state.tracks && window.rsu.road.lanes.length && window.rsu.state.status);
  return { page, trouble, context };
}

const problems = [];
for (const [language, viewport, name, scheme] of [
  ["en-GB", { width: 1280, height: 800 }, "en", "light"],
  ["zh-CN", { width: 1280, height: 800 }, "zh", "dark"],
  ["zh-CN", { width: 360, height: 740 }, "phone", "light"],
]) {
  const { page, trouble, context } = await open(language, viewport, scheme);
  for (const shown of PAGES) {
    await page.evaluate((hash) => { location.hash = `/${hash}`; }, shown);
    await page.waitForTimeout(1200);
    if (shown === "messages") {
      await page.locator("#frames tr").nth(2).click();
      await page.waitForFunction(() => window.rsu.state.message);
    }
    await page.screenshot({ path: `${folder}/${name}-${shown}.png` });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (wide > 0) problems.push(`${name}/${shown}: ${wide} px wider than the screen`);
    // Evaluated and not injected: the page's own policy refuses strange scripts.
    const found = await page.evaluate(async (source) => {
      (0, eval)(source);
      return (await window.axe.run()).violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 90)).slice(0, 3).join(" | ")}`);
    }, axe).catch((error) => [String(error)]);
    problems.push(...found.map((text) => `${name}/${shown}: axe ${text}`));
  }
  const words = await page.locator("nav a").allTextContents();
  assert.deepEqual(words, language === "zh-CN" ? ["现场", "信号", "目标", "消息", "健康"]
    : ["Live", "Signals", "Participants", "Messages", "Health"]);
  assert.equal(await page.locator("#banner").isVisible(), true, "a simulation says so");
  problems.push(...trouble.map((text) => `${name}: ${text}`));
  await context.close();
}

// What is shown is what the API says, and what is on the air.
{
  const { page, context } = await open("en-GB", { width: 1280, height: 800 });
  await page.waitForTimeout(1000);
  await page.locator("#pause").click();
  await page.waitForTimeout(300);
  const drawn = await page.evaluate(() => ({ ...window.rsu.road.drawn, told: window.rsu.state.tracks.tracks.length, signals: window.rsu.state.signals }));
  assert.ok(drawn.told > 0);
  assert.equal(drawn.tracks, drawn.told, "every road user is drawn");
  const maps = await api("/api/v1/map");
  const lanes = maps.flatMap((m) => m.message.mapFrame.nodes).flatMap((n) => n.inLinks ?? []).flatMap((l) => l.lanes ?? []);
  assert.equal(drawn.lanes, lanes.length, "every lane of the MAP is drawn");
  for (const [phase, light] of Object.entries(drawn.lights)) {
    assert.equal(light, drawn.signals.phases.find((p) => p.phase === Number(phase)).states[0].light);
  }
  assert.ok(Object.keys(drawn.lights).length >= 4, JSON.stringify(drawn.lights));
  await page.locator("#pause").click();

  // The rates of the tiles are those of the counters.
  const before = await api("/api/v1/status");
  await page.waitForTimeout(6000);
  const after = await api("/api/v1/status");
  const spat = (status) => status.sent.find((sent) => sent.kind === "SPAT").frames;
  const rate = (spat(after) - spat(before)) / ((after.utc_ms - before.utc_ms) / 1000);
  const tile = await page.locator(".tile", { hasText: "SPAT" }).locator("b").textContent();
  assert.ok(Math.abs(parseFloat(tile) - rate) < 2, `${tile} but ${rate} a second`);

  // A click in the table centres the map.
  await page.evaluate(() => { location.hash = "/participants"; });
  await page.waitForSelector("#tracks tr");
  const id = Number(await page.locator("#tracks tr td").first().textContent());
  await page.locator("#tracks tr").first().focus();
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => window.rsu.state.picked), id);
  assert.equal(await page.evaluate(() => location.hash), "#/live");

  // What is pasted is decoded.
  const [frame] = await api("/api/v1/messages?kind=SPAT&limit=1");
  const whole = await api(`/api/v1/messages/${frame.number}`);
  await page.evaluate(() => { location.hash = "/messages"; });
  await page.fill("#hex", whole.hex);
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.getElementById("detail").textContent.includes("spatFrame"));
  await context.close();
}

// The way to the unit is cut, and comes back by itself.
{
  const wires = new Set();
  const { hostname, port } = new URL(address);
  const proxy = createServer((near) => {
    const far = connect(Number(port), hostname);
    for (const [wire, other] of [[near, far], [far, near]]) {
      wires.add(wire);
      wire.on("error", () => {});
      wire.on("close", () => { wires.delete(wire); other.destroy(); });
      wire.pipe(other);
    }
  });
  const listen = (at) => new Promise((done) => { proxy.listen(at, "127.0.0.1", done); });
  await listen(0);
  const door = proxy.address().port;
  const { page, context } = await open("en-GB", { width: 900, height: 700 }, "light", `http://127.0.0.1:${door}`);
  const shown = (kind) => page.waitForFunction((wanted) => document.getElementById("age").classList.contains(wanted), kind, { timeout: 60000 });
  proxy.close();
  wires.forEach((wire) => wire.destroy());
  await shown("bad");
  await listen(door);
  await shown("good");
  await context.close();
  proxy.close();
  wires.forEach((wire) => wire.destroy());
}

await browser.close();
if (problems.length) {
  console.error(problems.join("\n"));
  process.exit(1);
}
console.log(`the page is right; look at ${folder}`);
