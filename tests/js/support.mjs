/** What the tests of the client share: servers that do exactly as they are told, and what is to be seen of a call. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createSocketServer } from "node:net";
import { after } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { Chatmux } from "../../dist/entry/default.js";

export { countListeners } from "./ends.mjs";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
export const KEY = "sk-test-1234567890";
export const MESSAGES = [{ role: "user", content: "Hello" }];
export const REQUEST = { model: "gpt-4o-mini", messages: MESSAGES };
export const STREAMED = { ...REQUEST, stream: true };
export const COMPLETION = {
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1700000000,
  model: "gpt-4o-mini",
  choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
};

/** A chunk of a stream. */
export function chunk(content, finish_reason = null) {
  return {
    id: "chatcmpl-1",
    object: "chat.completion.chunk",
    created: 1700000000,
    model: "gpt-4o-mini",
    choices: [{ index: 0, delta: content === null ? {} : { content }, finish_reason }],
  };
}

/** A stream that ends as it should: these texts, a finish reason, [DONE]. */
export const answer = (...texts) => [...texts.map((text) => chunk(text)), chunk(null, "stop"), "[DONE]"];

/** Events as a server writes them. */
export const sse = (...events) => events.map((event) => `data: ${typeof event === "string" ? event : JSON.stringify(event)}\n\n`).join("");

export const EVENT_STREAM = { "content-type": "text/event-stream" };
export const JSON_TYPE = { "content-type": "application/json" };

/** An HTTP server of this machine that lives as long as the test. It keeps what it was asked. */
export async function listen(t, respond) {
  const requests = [];
  const sockets = new Set();
  const server = createServer(async (incoming, outgoing) => {
    const body = await read(incoming).catch(() => undefined);
    if (body === undefined) return;
    const { method, url, rawHeaders, socket } = incoming;
    const headers = Object.fromEntries(rawHeaders.flatMap((name, at) => (at % 2 ? [] : [[name.toLowerCase(), rawHeaders[at + 1]]])));
    const request = { method, url, rawHeaders, headers, body, socket, closed: once(outgoing, "close") };
    requests.push(request);
    await respond(request, outgoing, requests.length);
  });
  server.on("connection", (socket) => sockets.add(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const url = `http://127.0.0.1:${server.address().port}`;
  return { url, baseURL: `${url}/v1`, requests, sockets };
}

/** A TCP server of this machine that lives as long as the test, for answers that are no HTTP. */
export async function listenRaw(t, respond) {
  const sockets = new Set();
  const server = createSocketServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    respond(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  const url = `http://127.0.0.1:${server.address().port}`;
  return { url, baseURL: `${url}/v1`, sockets };
}

/** A port of this machine where nobody listens. */
export async function deadURL() {
  const server = createSocketServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return `http://127.0.0.1:${port}`;
}

async function read(incoming) {
  const parts = [];
  for await (const part of incoming) parts.push(part);
  return Buffer.concat(parts).toString();
}

/** Answers with JSON, or with a text as it is. */
export function reply(outgoing, body, status = 200, headers = {}) {
  outgoing.writeHead(status, { ...JSON_TYPE, ...headers }).end(typeof body === "string" ? body : JSON.stringify(body));
}

/** Answers with a stream of these events, and ends it unless told otherwise. */
export function replyStream(outgoing, events, { end = true, headers = {} } = {}) {
  outgoing.writeHead(200, { ...EVENT_STREAM, ...headers }).flushHeaders();
  outgoing.write(sse(...events));
  if (end) outgoing.end();
}

/** A client of this server. */
export const clientOf = (server, options = {}) => new Chatmux({ apiKey: KEY, baseURL: server.baseURL, ...options });

/** A whole completion, and a streamed one, of a client. */
export const ask = (client, body = REQUEST, options) => client.chat.completions.create(body, options);
export const askStream = (client, body = STREAMED, options) => client.chat.completions.create(body, options);

/** A client whose `fetch` is a function of the test. */
export const clientWith = (fetch, options = {}) =>
  new Chatmux({ apiKey: KEY, baseURL: "http://provider.test/v1", maxRetries: 0, fetch, ...options });

/** A whole answer as a caller's `fetch` gives it. */
export const jsonResponse = (body = COMPLETION, init = {}) =>
  new Response(typeof body === "string" ? body : JSON.stringify(body), { ...init, headers: { ...JSON_TYPE, ...init.headers } });

/** A streamed answer as a caller's `fetch` gives it. */
export const streamResponse = (body, init = {}) =>
  new Response(Array.isArray(body) ? sse(...body) : body, { ...init, headers: { ...EVENT_STREAM, ...init.headers } });

/** The body of a stream that hands out one part each time it is asked, and counts. */
export function pulled(parts, { onCancel } = {}) {
  const seen = { pulls: 0, cancelled: false };
  const encoder = new TextEncoder();
  seen.body = new ReadableStream(
    {
      pull(controller) {
        const part = parts[seen.pulls++];
        if (part === undefined) controller.close();
        else controller.enqueue(encoder.encode(part));
      },
      cancel(reason) {
        seen.cancelled = true;
        onCancel?.(reason);
      },
    },
    { highWaterMark: 0 },
  );
  return seen;
}

/** Everything a stream has to say. */
export async function collect(stream) {
  const items = [];
  for await (const item of stream) items.push(item);
  return items;
}

/** The text of chunks. */
export const textOf = (chunks) => chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join("");

/** What a promise is rejected with; a promise that is kept fails the test. */
export async function failure(promise) {
  let value;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  assert.fail(`expected an error, got ${inspect(value)}`);
}

/** The error of a streamed call, whether it comes before the first chunk or after some, and the chunks. */
export async function failureOfStream(promise) {
  const chunks = [];
  const error = await failure(
    (async () => {
      for await (const item of await promise) chunks.push(item);
      return chunks;
    })(),
  );
  return { error, chunks };
}

/** Waits for something to come true; gives up after a time that is far longer than it may take. */
export async function until(condition, what) {
  for (let tries = 0; tries < 1000; tries++) {
    if (await condition()) return;
    await sleep(5);
  }
  assert.fail(`never happened: ${what}`);
}

/** A promise's value, or `undefined` for one that is not settled after a while: a test must fail, not hang. */
export async function settled(promise, milliseconds = 3000) {
  const timer = new AbortController();
  try {
    return await Promise.race([promise, sleep(milliseconds, undefined, { signal: timer.signal })]);
  } finally {
    timer.abort();
  }
}

/** What a program printed as JSON, run by itself with nothing of the environment but what is given. */
export async function program(source, env = {}, client = "default") {
  const { stdout } = await spawned(source, env, client);
  return JSON.parse(stdout);
}

/** Runs a program, which fails the test when it does not end by itself. `chatmux`, by one of its entries, and `core` are imported for it. */
export function spawned(source, env = {}, client = "default") {
  const entry = (name) => JSON.stringify(new URL(`../../dist/entry/${name}.js`, import.meta.url).href);
  const head = `import * as chatmux from ${entry(client)};\nimport * as core from ${entry("core.default")};\n`;
  return new Promise((resolve, reject) => {
    const options = { env: { PATH: process.env.PATH, ...env }, timeout: 30_000 };
    execFile(process.execPath, ["--input-type=module", "-e", head + source], options, (error, stdout, stderr) => {
      if (error) reject(new Error(`the program ${error.killed ? "did not end" : "failed"}:\n${stderr}`));
      else resolve({ stdout, stderr });
    });
  });
}

/** Lets no test of a file leave a rejection behind that nobody handled. */
export function forbidStrayRejections() {
  const seen = [];
  process.on("unhandledRejection", (reason) => seen.push(reason));
  after(async () => {
    await sleep(20);
    assert.deepEqual(seen, []);
  });
}
