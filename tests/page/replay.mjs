// A replay on the page: it says what it is, is not ready, and shows the road of then.
//
// Arguments: the page's address, the folder for screenshots. Not here: starting it, see `run`.

import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const [address, folder] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"],
});
const context = await browser.newContext({ locale: "zh-CN", viewport: { width: 1280, height: 800 } });
const page = await context.newPage();
const trouble = [];
page.on("pageerror", (error) => trouble.push(String(error)));
await page.goto(`${address}/`);
await page.waitForFunction(() => window.rsu?.road.drawn.tracks > 3 && window.rsu.road.lanes.length && window.rsu.state.status);
await page.waitForFunction(() => document.getElementById("banner").textContent.includes("REPLAY"));
const banner = page.locator("#banner");
assert.ok(await banner.isVisible());
assert.match(await banner.textContent(), /REPLAY.*SIMULATION/);
assert.match(await page.locator("#ready").getAttribute("class"), /bad/);
assert.equal((await fetch(`${address}/readyz`)).status, 503);
const status = await (await fetch(`${address}/api/v1/status`)).json();
assert.ok(status.sent.find((sent) => sent.kind === "SPAT").frames > 10, JSON.stringify(status.sent));
assert.ok(status.utc_ms < Date.now() - 5000, "the time of then");
assert.ok(status.inputs.every((input) => input.reports > 0), JSON.stringify(status.inputs));
await page.screenshot({ path: `${folder}/zh-replay.png` });
assert.deepEqual(trouble, []);
await browser.close();
console.log("a replay is right");
