/** What is left of a call, and what the server sees of its end, in Chromium and in workerd. */

import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { NOTHING, WAYS } from "../js/ends.mjs";
import { chromium, close, firefox, here, inBun, inChromium, inDeno, inFirefox, inWorkerd, listening, open, page, programFile, project } from "./runtimes.mjs";

const CORS = { "access-control-allow-origin": "*", "access-control-allow-headers": "authorization, content-type, accept" };
const event = (data) => `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
const WORD = event({ id: "1", choices: [{ index: 0, delta: { content: "a" } }] });

/** A provider whose answers do not end. It knows whether the request of a name is over. */
const closed = new Set();
const server = createServer(async (incoming, outgoing) => {
  const { pathname, search } = new URL(incoming.url, "http://x");
  if (incoming.method === "OPTIONS") return outgoing.writeHead(204, CORS).end();
  if (pathname === "/closed") return outgoing.writeHead(200, CORS).end(JSON.stringify(closed.has(decodeURIComponent(search.slice(1)))));
  let body = "";
  for await (const part of incoming) body += part;
  const { how, stream } = JSON.parse(body);
  const [first, ...rest] = how.split(" ");
  const kind = ["mute", "error", "done", "silent"].includes(first) ? first : "";
  outgoing.on("close", () => closed.add(kind ? rest.join(" ") : how));
  if (kind === "silent") return;
  outgoing.writeHead(200, { ...CORS, "content-type": stream ? "text/event-stream" : "application/json" });
  outgoing.flushHeaders();
  if (kind === "mute") return;
  outgoing.write(stream ? WORD + WORD : `{"id":"${"x".repeat(100)}`);
  if (kind === "error") outgoing.write(event({ error: { message: "boom" } }));
  if (kind === "done") outgoing.write(event("[DONE]"));
});

let url;
before(async () => {
  await open();
  url = await listening(server);
  for (const file of ["../js/ends.mjs", "sockets.mjs"]) cpSync(join(here, file), join(project, file.split("/").at(-1)));
});
after(async () => {
  server.close();
  server.closeAllConnections();
  await close();
});

const ENTRY = "/node_modules/chatmux/dist/entry/default.js";
const imports = (chatmux, base) =>
  `import * as chatmux from "${chatmux}";\nimport { leftAfter, WAYS } from "${base}ends.mjs";\nimport { dropped, isolated, sockets } from "${base}sockets.mjs";\n`;
const PAGE = imports(ENTRY, "/");
const WORKER = imports("chatmux", "./");
const LEFT = "(async () => { const left = {}; for (const way of Object.keys(WAYS)) left[way] = await leftAfter(chatmux.Chatmux, way); return left; })()";
const inWorker = (expression, read) => inWorkerd(`${WORKER}export default { fetch: async () => Response.json(await ${expression}) };`, {}, read);

function judgeLeft(left) {
  assert.deepEqual(Object.keys(left), Object.keys(WAYS));
  const bad = {};
  for (const [way, { answers, ...rest }] of Object.entries(left)) {
    assert.ok(answers > 0, way);
    const wrong = Object.entries(rest).filter(([what, count]) => count !== NOTHING[what]);
    if (wrong.length) bad[way] = wrong.map(([what, count]) => `${what}: ${count}`).join(", ");
  }
  assert.deepEqual(bad, {});
}

function judgeSockets(report, except = []) {
  assert.ok(Object.keys(report).length >= 15);
  assert.deepEqual(Object.keys(report).filter((what) => !report[what] && !except.includes(what)), [], "requests that the server still sees open");
}

suite("no listener, no timer and no reader is left of a call", { concurrency: 1 }, () => {
  test("in Chromium", chromium, async () => judgeLeft(await inChromium(page(PAGE, LEFT, "left"))));
  test("in workerd", async () => judgeLeft(await inWorker(LEFT)));
});

suite("G25: the server sees the end of what is left, aborted or given up, within a second", { concurrency: 1 }, () => {
  const program = () => `sockets(chatmux, ${JSON.stringify(url)})`;
  const fresh = (run, except) => async () => {
    closed.clear();
    judgeSockets(await run(), except);
  };
  test("in Chromium", chromium, fresh(() => inChromium(page(PAGE, program(), "sockets"))));
  // Firefox shows a response when its first byte has come: without one it is the time for the headers that runs.
  test("in Firefox", firefox, fresh(() => inFirefox(page(PAGE, program(), "sockets")), ["a stream without an event"]));
  test("in workerd", fresh(() => inWorker(program())));
  test("in Deno", fresh(() => inDeno(script("sockets.deno.mjs"))));
  // Here a body that is cancelled closes nothing: what is let go must be aborted.
  test("in Bun", fresh(() => inBun(script("sockets.bun.mjs"))));

  function script(name) {
    return programFile(name, `${WORKER}console.log(JSON.stringify(await ${program()}));\n`);
  }

  test("in workerd, of streams that are left unread or half read, by the end of the worker's own request", async () => {
    closed.clear();
    const worker = `${WORKER}
      export default {
        async fetch() {
          const client = new chatmux.Chatmux({ apiKey: "sk-test-1234567890", baseURL: "${url}/v1" });
          const open = (how) => client.chat.completions.create({ model: "m", messages: [{ role: "user", content: "x" }], how, stream: true });
          await open("unread");
          await (await open("half read"))[Symbol.asyncIterator]().next();
          await (await open("half a text")).textDeltas().next();
          return Response.json("left");
        },
      };`;
    await inWorkerd(worker, {}, async (response) => {
      assert.equal(await response.json(), "left");
      for (let tries = 0; tries < 20 && closed.size < 3; tries++) await sleep(50);
      assert.deepEqual([...closed].sort(), ["half a text", "half read", "unread"]);
    });
  });
});

suite("a stream that is dropped and garbage-collected lets its request go", { concurrency: 1 }, () => {
  test("in Chromium", chromium, async () => {
    closed.clear();
    const address = page(PAGE, `dropped(chatmux, ${JSON.stringify(url)}, () => gc())`, "dropped");
    assert.deepEqual(await inChromium(address, ["--js-flags=--expose-gc"]), { "unread": 0, "half read": 0, "half read as texts": 0, "split and half read": 0 });
  });
});

suite("G26: a thousand streams at a time, and no stray", { concurrency: 1 }, () => {
  test("in workerd", async () => assert.equal(await inWorker("isolated(chatmux)"), 0));
});
