/** A page of another origin: the server refuses every header of a request but three, as strict ones do. */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, beforeEach, suite, test } from "node:test";
import { chromium, close, firefox, inChromium, inFirefox, listening, open, page } from "./runtimes.mjs";

const ALLOWED = ["authorization", "content-type", "accept"];
const CORS = { "access-control-allow-origin": "*" };
/** Headers that a browser adds by itself and asks no server about. */
const BROWSERS = /^(host|connection|content-length|user-agent|origin|referer|accept-language|accept-encoding|cache-control|pragma|priority|te|dnt|sec-.*)$/;
const CHUNK = (content, finish_reason = null) => JSON.stringify({ id: "1", choices: [{ index: 0, delta: { content }, finish_reason }] });
const ANSWERS = {
  whole: ["application/json", '{"id":"1","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}]}'],
  stream: ["text/event-stream", `data: ${CHUNK("H")}\n\ndata: ${CHUNK("i")}\n\ndata: ${CHUNK("", "stop")}\n\ndata: [DONE]\n\n`],
  models: ["application/json", '{"object":"list","data":[{"id":"m"}]}'],
};

let seen;
const server = createServer(async (incoming, outgoing) => {
  let body = "";
  for await (const part of incoming) body += part;
  const path = incoming.url;
  if (incoming.method === "OPTIONS") {
    const asked = (incoming.headers["access-control-request-headers"] ?? "").split(",").map((name) => name.trim().toLowerCase()).filter(Boolean);
    const strange = asked.filter((name) => !ALLOWED.includes(name));
    seen.preflights++;
    seen.strange.push(...strange);
    const headers = { ...CORS, "access-control-allow-headers": ALLOWED.join(", "), "access-control-allow-methods": "GET, POST" };
    return strange.length ? outgoing.writeHead(403).end() : outgoing.writeHead(204, headers).end();
  }
  const strange = Object.keys(incoming.headers).filter((name) => !ALLOWED.includes(name) && !BROWSERS.test(name));
  seen.strange.push(...strange);
  seen.requests++;
  if (strange.length) return outgoing.writeHead(403).end();
  const tries = (seen.tries[path] = (seen.tries[path] ?? 0) + 1);
  if (path.startsWith("/busy/") && tries % 2) return outgoing.writeHead(503, { ...CORS, "content-type": "application/json" }).end('{"error":{"message":"busy"}}');
  const [type, answer] = path.endsWith("/models") ? ANSWERS.models : JSON.parse(body).stream ? ANSWERS.stream : ANSWERS.whole;
  outgoing.writeHead(200, { ...CORS, "content-type": type }).end(answer);
});

let url;
before(async () => {
  await open();
  url = await listening(server);
});
beforeEach(() => {
  seen = { preflights: 0, requests: 0, strange: [], tries: {} };
});
after(async () => {
  server.close();
  server.closeAllConnections();
  await close();
});

/** Everything that a page asks of the OpenAI road, with and without a retry. */
async function program({ Chatmux }, url) {
  const request = { model: "m", messages: [{ role: "user", content: "x" }] };
  const report = {};
  for (const road of ["", "/busy"]) {
    const client = new Chatmux({ apiKey: async () => "sk-test-1234567890", baseURL: `${url}${road}/v1`, maxRetries: 2, timeout: 20_000, totalTimeout: 30_000 });
    const calls = {
      whole: async () => (await client.chat.completions.create(request)).choices[0].message.content,
      stream: async () => (await client.chat.completions.create({ ...request, stream: true })).text(),
      models: async () => (await client.models.list()).data.length,
    };
    for (const [what, call] of Object.entries(calls)) report[road + what] = await call().catch((error) => `${error.name}: ${error.message}`);
  }
  return report;
}

const IMPORTS = 'import * as chatmux from "/node_modules/chatmux/dist/entry/default.js";\n';

suite("preflight-clean: what a page sends has no header but authorization, content-type and accept", { concurrency: 1 }, () => {
  for (const [name, browser, run] of [["Chromium", chromium, inChromium], ["Firefox", firefox, inFirefox]]) {
    test(`in ${name}: a whole answer, a stream and the list of models, at once and with a retry`, browser, async () => {
      const report = await run(page(IMPORTS, `(${program})(chatmux, ${JSON.stringify(url)})`, "preflight"));
      assert.deepEqual(seen.strange, []);
      assert.deepEqual(report, { whole: "Hi", stream: "Hi", models: 1, "/busywhole": "Hi", "/busystream": "Hi", "/busymodels": 1 });
      assert.ok(seen.preflights > 0, "the browser asked first");
      assert.equal(seen.requests, 9);
    });
  }
});
