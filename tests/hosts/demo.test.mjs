/** The demo page as a person uses it, in Chromium and in Firefox, served as \`npm start\` serves it. */

import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { createProvider } from "../../dist/testing/provider.js";
import { serve } from "../../dist/testing/server.js";
import { browsers } from "../../scripts/setup.mjs";
import { demo } from "../../scripts/site.mjs";

const found = await browsers();
const provider = createProvider({ pace: 0.2 });

let server;
before(async () => {
  server = await serve(async (request) => (await demo(request)) ?? provider(request));
});
after(() => server?.close());

suite("the demo page in Chromium", { skip: found.chromium ? false : "no Chromium on this machine", concurrency: 1 }, () => {
  let browser;
  let page;
  /** What the browser complained of: broken policy, missing files, uncaught errors. */
  let complaints;

  before(async () => {
    const { chromium } = await import("playwright-core");
    browser = await chromium.launch({
      executablePath: found.chromium,
      args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
    });
  });
  after(() => browser?.close());

  /** A fresh person: nothing stored, the page just opened. */
  async function open(options) {
    const context = await browser.newContext({ permissions: ["clipboard-read", "clipboard-write"], ...options });
    page = await context.newPage();
    page.setDefaultTimeout(15_000);
    complaints = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => {
      // A refused request is part of some tests; the browser writes a line for each.
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) complaints.push(message.text());
    });
    await page.goto(server.url);
  }
  const at = (id) => page.getByTestId(id);
  const ask = async (text) => {
    await at("prompt").fill(text);
    await at("prompt").press("Enter");
  };
  const answered = (number = 1) => at("usage").nth(number - 1).waitFor();

  test("answers a typed question, streaming, without a key being typed", async () => {
    await open();
    await at("prompt").fill("What is the meaning of life?");
    await at("send").click();
    const answer = at("message-assistant").first();
    const lengths = new Set();
    for (let looks = 0; ; looks++) {
      assert.ok(looks < 2000, "the answer ends");
      lengths.add(((await answer.textContent().catch(() => "")) ?? "").length);
      if (await at("usage").count()) break;
      await page.waitForTimeout(5);
    }
    assert.match(await answer.textContent(), /42/);
    assert.ok(lengths.size > 5, `the answer was seen growing, in ${lengths.size} steps`);
    assert.match(await at("usage").first().textContent(), /\d/);
    assert.match(await at("ttft").first().textContent(), /\d/);
    assert.equal(await answer.locator("strong").count() > 0, true, "markdown became elements");
    assert.deepEqual(complaints, []);
  });

  test("carries the conversation on, and starts a new one", async () => {
    await open();
    await ask("What is the meaning of life?");
    await answered(1);
    await ask("And again?");
    await answered(2);
    assert.equal(await at("message-user").count(), 2);
    await at("new-chat").click();
    assert.equal(await at("message-user").count(), 0);
    assert.deepEqual(complaints, []);
  });

  test("stops, keeps what had arrived, and tries again", async () => {
    await open();
    await ask("/long");
    await page.waitForFunction(() => document.querySelector('[data-testid="message-assistant"]')?.textContent.length > 80);
    await at("stop").click();
    await at("send").waitFor();
    const length = (await at("message-assistant").first().textContent()).length;
    assert.ok(length > 40);
    await page.waitForTimeout(300);
    assert.equal((await at("message-assistant").first().textContent()).length, length, "nothing more came after the stop");
    await at("retry").first().click();
    await page.waitForFunction((old) => document.querySelector('[data-testid="message-assistant"]')?.textContent.length > old + 200, length);
    await page.keyboard.press("Escape");
    await at("send").waitFor();
    assert.deepEqual(complaints, []);
  });

  test("says that a key is wrong, and takes the right one", async () => {
    await open();
    await at("settings-open").click();
    await at("api-key").fill("sk-wrong-key-1234");
    await at("settings-save").click();
    await ask("Hello");
    const error = at("error").first();
    await error.waitFor();
    assert.match(await error.textContent(), /key/i);
    assert.doesNotMatch(await page.content(), /sk-wrong-key-1234/);
    if (!(await at("settings").isVisible())) await at("settings-open").click();
    await at("api-key").fill("demo");
    await at("settings-save").click();
    await at("retry").first().click();
    await answered(1);
    assert.deepEqual(complaints, []);
  });

  test("keeps a key in memory alone, unless it is asked to remember it", async () => {
    await open();
    const stored = () => page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie);
    await at("settings-open").click();
    await at("api-key").fill("sk-secret-in-memory");
    await at("settings-save").click();
    assert.doesNotMatch(await stored(), /sk-secret/);
    await at("settings-open").click();
    await at("remember").check();
    await at("settings-save").click();
    assert.match(await stored(), /sk-secret-in-memory/);
    await page.reload();
    await at("settings-open").click();
    assert.equal(await at("api-key").inputValue(), "sk-secret-in-memory");
    await at("remember").uncheck();
    await at("settings-save").click();
    assert.doesNotMatch(await stored(), /sk-secret/);
  });

  test("finds a model, copies its id, and uses it", async () => {
    await open();
    await at("models-open").click();
    await at("model-card").first().waitFor();
    const all = await at("model-card").count();
    await at("model-search").fill("gemini");
    await page.waitForFunction((count) => document.querySelectorAll('[data-testid="model-card"]:not([hidden])').length < count, all);
    const card = page.locator('[data-testid="model-card"]:not([hidden])').first();
    const id = await card.getAttribute("data-model-id");
    assert.match(id, /gemini/);
    assert.match(await card.textContent(), /\$/);
    await card.getByTestId("model-copy").click();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), id);
    await card.getByTestId("model-use").click();
    assert.equal((await at("current-model").textContent()).trim(), id);
    assert.deepEqual(complaints, []);
  });

  test("shows errors for people, keeps a cut answer, and never runs what a model writes", async () => {
    await open();
    await ask("/error 429");
    await at("error").first().waitFor();
    await at("new-chat").click();
    await ask("/cut");
    await at("error").first().waitFor();
    assert.ok((await at("message-assistant").first().textContent()).length > 20, "the part that arrived is kept");
    await at("new-chat").click();
    await ask('Say <img src=x onerror="globalThis.ran = 1"> [click](javascript:globalThis.ran=1)');
    await answered(1);
    assert.equal(await page.evaluate(() => globalThis.ran), undefined);
    assert.equal(await page.locator('[data-testid="messages"] img, [data-testid="messages"] a[href^="javascript"]').count(), 0);
    assert.deepEqual(complaints, []);
  });

  test("fits a phone, in dark colours", async () => {
    await open({ viewport: { width: 360, height: 720 }, colorScheme: "dark", hasTouch: true });
    await ask("Show me some markdown");
    await answered(1);
    const { scroll, client } = await page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      return { scroll: scrollWidth, client: clientWidth };
    });
    assert.ok(scroll <= client, "nothing runs out of the page sideways");
    assert.deepEqual(complaints, []);
  });
});

suite("the demo page in Firefox", { skip: found.firefox ? false : "no Firefox on this machine" }, () => {
  test("answers a typed question", async () => {
    const { default: puppeteer } = await import("puppeteer-core");
    const browser = await puppeteer.launch({ browser: "firefox", executablePath: found.firefox, headless: true });
    try {
      const page = await browser.newPage();
      await page.goto(server.url);
      await page.waitForSelector('[data-testid="prompt"]');
      await page.type('[data-testid="prompt"]', "What is the meaning of life?");
      await page.keyboard.press("Enter");
      await page.waitForSelector('[data-testid="usage"]');
      const answer = await page.$eval('[data-testid="message-assistant"]', (element) => element.textContent);
      assert.match(answer, /42/);
    } finally {
      await browser.close();
    }
  });
});
