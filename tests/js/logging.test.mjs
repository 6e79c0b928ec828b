/** Logs: how much, where, and that no key is in them. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { inspect } from "node:util";
import Chatmux from "chatmux";
import OpenAI from "openai";
import { AT_ONCE, never, refusal, withoutPauses } from "./calls.mjs";
import {
  answer, ask, askStream, chunk, collect, COMPLETION, failure, forbidStrayRejections, jsonResponse, KEY, REQUEST, sse, streamResponse,
} from "./support.mjs";

forbidStrayRejections();

const BASE = "http://provider.test/v1";
const LEVELS = ["error", "warn", "info", "debug"];

/** A logger that keeps what it is told. */
function recorder() {
  const lines = [];
  return { lines, logger: Object.fromEntries(LEVELS.map((level) => [level, (...args) => void lines.push([level, ...args])])) };
}

/** A client that logs to a recorder. */
function logged(fetch, options = {}) {
  const { lines, logger } = recorder();
  return { lines, logger, client: new Chatmux({ apiKey: KEY, baseURL: BASE, maxRetries: 0, fetch, logger, ...options }) };
}

/** Lines without the numbers that are others each time. */
const texts = (lines) => lines.map(([level, text]) => `${level} ${text.replace(/\[log_[0-9a-f]{6}/, "[log").replace(/\d+ms/g, "0ms")}`);

/** Runs with a variable of the environment. */
async function withEnvironment(name, value, run) {
  const before = process.env[name];
  try {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
    return await run();
  } finally {
    if (before === undefined) delete process.env[name];
    else process.env[name] = before;
  }
}

/** The levels at which a client of either package logs a call, and what it says of its own. */
async function seen(Client, variable, value, logLevel) {
  return withEnvironment(variable, value, async () => {
    const { lines, logger } = recorder();
    const client = new Client({ apiKey: KEY, baseURL: BASE, maxRetries: 1, logger, ...(logLevel !== undefined && { logLevel }), fetch: async () => jsonResponse() });
    await client.chat.completions.create(REQUEST);
    return { level: client.logLevel, levels: [...new Set(lines.map(([level]) => level))].sort() };
  });
}

suite("how much is logged: L2", () => {
  for (const [value, option, expected] of [
    [undefined, undefined, { level: "warn", levels: [] }],
    ["debug", undefined, { level: "debug", levels: ["debug", "info"] }],
    [" info ", undefined, { level: "info", levels: ["info"] }],
    ["", undefined, { level: "warn", levels: [] }],
    ["debug", "off", { level: "off", levels: [] }],
    ["off", "debug", { level: "debug", levels: ["debug", "info"] }],
    [undefined, "info", { level: "info", levels: ["info"] }],
    [undefined, "error", { level: "error", levels: [] }],
    ["loud", undefined, { level: "warn", levels: ["warn"] }],
    ["loud", "debug", { level: "debug", levels: ["debug", "info"] }],
    ["info", "loud", { level: "info", levels: ["info", "warn"] }],
    ["toString", undefined, { level: "warn", levels: ["warn"] }],
  ]) {
    test(`with ${JSON.stringify(value)} in the environment and ${JSON.stringify(option)} as the option, as openai`, async () => {
      assert.deepEqual(await seen(Chatmux, "CHATMUX_LOG", value, option), expected);
      assert.deepEqual(await seen(OpenAI, "OPENAI_LOG", value, option), expected);
    });
  }

  test("a bad level is warned of once for a logger, with those that there are", async () => {
    await withEnvironment("CHATMUX_LOG", "loud", async () => {
      const { lines, logger, client } = logged(async () => jsonResponse());
      await ask(client);
      await ask(client.withOptions({ timeout: 10 }));
      new Chatmux({ apiKey: KEY, logger });
      assert.deepEqual(lines, [["warn", 'CHATMUX_LOG of the environment is set to "loud", which is no level: use one of off, error, warn, info, debug.']]);
      new Chatmux({ apiKey: KEY, logger, logLevel: "quiet" });
      assert.deepEqual(lines.slice(1), [["warn", '`logLevel` is set to "quiet", which is no level: use one of off, error, warn, info, debug.']]);
    });
  });

  test("OpenAI's own variable is not read", async () => {
    assert.equal((await seen(Chatmux, "OPENAI_LOG", "debug")).level, "warn");
  });

  test("withOptions() and fields that are set carry over", async () => {
    const { lines, client } = logged(async () => jsonResponse(), { logLevel: "info" });
    const other = client.withOptions({ timeout: 1000 });
    assert.equal(other.logLevel, "info");
    await ask(other);
    assert.equal(lines.length, 1);
    await ask(client.withOptions({ logLevel: "off" }));
    assert.equal(lines.length, 1);
    client.logLevel = "debug";
    await ask(client);
    assert.ok(lines.some(([level]) => level === "debug"));
    const elsewhere = recorder();
    await ask(client.withOptions({ logger: elsewhere.logger }));
    assert.ok(elsewhere.lines.length > 0);
  });

  test("the logger is console where none is given", async (t) => {
    const printed = [];
    for (const name of LEVELS) t.mock.method(console, name, (...args) => void printed.push([name, ...args]));
    const client = new Chatmux({ apiKey: KEY, baseURL: BASE, logLevel: "info", fetch: async () => jsonResponse() });
    await ask(client);
    assert.equal(client.logger, console);
    assert.deepEqual(texts(printed), [`info [log] POST ${BASE}/chat/completions succeeded with status 200 in 0ms`]);
  });

  test("a logger is called as a method, and one that throws breaks nothing", async () => {
    class Own {
      lines = [];
      error() {}
      warn() {}
      info(line) { this.lines.push(line); }
      debug() { throw new Error("disk full"); }
    }
    const logger = new Own();
    assert.deepEqual(await ask(logged(async () => jsonResponse(), { logger, logLevel: "debug" }).client), COMPLETION);
    assert.equal(logger.lines.length, 1);
  });

  test("a logger without one of the four functions is refused", () => {
    const message = "`logger` must have the functions `error`, `warn`, `info` and `debug`, as `console` has.";
    for (const logger of [{}, { ...console, debug: undefined }, 1]) {
      assert.throws(() => new Chatmux({ apiKey: KEY, logger }), { name: "ChatmuxError", message });
    }
  });
});

suite("what is logged", () => {
  test("of a call that is tried again, and of one that fails", async () => {
    const answers = [refusal(429, { ...AT_ONCE, "x-request-id": "req_1" }), jsonResponse(), refusal(400, {}, "bad")];
    const { lines, client } = logged(async () => answers.shift(), { logLevel: "info", maxRetries: 1 });
    await ask(client);
    await failure(ask(client));
    assert.deepEqual(texts(lines), [
      `info [log, x-request-id: "req_1"] POST ${BASE}/chat/completions failed with status 429 in 0ms`,
      "info [log] 429: retrying in 0ms, 1 attempt remaining",
      `info [log] POST ${BASE}/chat/completions succeeded with status 200 in 0ms`,
      `info [log] POST ${BASE}/chat/completions failed with status 400 in 0ms`,
      "info [log] failed after 0ms and 0 retries: BadRequestError: 400 bad",
    ]);
    const ids = lines.map(([, line]) => /^\[(log_[0-9a-f]{6})/.exec(line)[1]);
    assert.deepEqual([ids[1], ids[2], ids[4]], [ids[0], ids[0], ids[3]]);
    assert.notEqual(ids[0], ids[3]);
  });

  test("of a stream, at debug", async () => {
    const usage = { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 };
    const { lines, client } = logged(async () => streamResponse([chunk("a"), { ...chunk(null, "stop"), usage }, "[DONE]"]), { logLevel: "debug" });
    await collect(await askStream(client));
    assert.deepEqual(texts(lines), [
      `debug [log] sending request POST ${BASE}/chat/completions`,
      `info [log] POST ${BASE}/chat/completions succeeded with status 200 in 0ms`,
      "debug [log] response start",
      "debug [log] first token (content) after 0ms",
      "debug [log] usage",
      "debug [log] finished after 0ms",
    ]);
    assert.deepEqual(lines[4][2], { ...usage, prompt_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 }, completion_tokens_details: { reasoning_tokens: 0 } });
    assert.deepEqual(lines[5][2], { retryCount: 0, finishReasons: ["stop"], aborted: false });
  });

  test("at debug the request as it is sent, keys taken out, and the arguments are as they were: L1", async () => {
    const { lines, client } = logged(async () => jsonResponse(COMPLETION, { headers: { "set-cookie": "session=SEKRET", "x-ratelimit-remaining-tokens": "9" } }), {
      logLevel: "debug", defaultQuery: { api_key: "SEKRET", page: 2 },
    });
    const url = `data:image/png;base64,${"A".repeat(10_000)}`;
    const body = { ...REQUEST, messages: [{ role: "user", content: [{ type: "text", text: "b".repeat(501) }, { type: "image_url", image_url: { url } }] }], max_tokens: 5 };
    const headers = { "API-Key": "SEKRET", "x-own-secret": "SEKRET", Cookie: "a=SEKRET", "X-Plain": "shown" };
    const [bodyBefore, headersBefore] = [structuredClone(body), structuredClone(headers)];
    Object.freeze(headers);
    await ask(client, body, { headers });
    assert.deepEqual([body, headers], [bodyBefore, headersBefore]);
    const [, , details] = lines[0];
    assert.deepEqual(details, {
      attempt: 1, method: "POST", url: `${BASE}/chat/completions?api_key=***&page=2`, model: "gpt-4o-mini", stream: false,
      headers: {
        accept: "application/json", "api-key": "***", authorization: "***", "content-type": "application/json", cookie: "***", "x-own-secret": "***", "x-plain": "shown",
      },
      body: {
        model: "gpt-4o-mini", max_tokens: 5,
        messages: [{
          role: "user",
          content: [
            { type: "text", text: `${"b".repeat(200)}… (501 characters)` },
            { type: "image_url", image_url: { url: "data:image/png;base64,… (10022 characters)" } },
          ],
        }],
      },
    });
    assert.deepEqual(lines[2][2].headers, { "content-type": "application/json", "set-cookie": "***", "x-ratelimit-remaining-tokens": "9" });
    assert.ok(!inspect(lines, { depth: 20 }).includes("SEKRET"));
  });

  test("of a body that is no JSON, what it is", async () => {
    const { lines, client } = logged(async () => jsonResponse(), { logLevel: "debug" });
    await client.post("/files", { body: new FormData() });
    await client.post("/text", { body: "plain", headers: { "content-type": "text/plain" } });
    const bodies = lines.filter(([, line]) => line.includes("sending")).map(([, , { body }]) => body);
    assert.deepEqual(bodies, ["[object FormData]", "plain"]);
  });

  test("no text of an answer", async () => {
    const fetches = [jsonResponse({ ...COMPLETION, choices: [{ ...COMPLETION.choices[0], message: { role: "assistant", content: "PRIVATE" } }] }), streamResponse(answer("PRIVATE")), streamResponse(sse(chunk("a"), '{"PRIVATE'))];
    const { lines, client } = logged(async () => fetches.shift(), { logLevel: "debug" });
    await ask(client);
    await collect(await askStream(client));
    await failure(askStream(client).then(collect));
    assert.ok(lines.length > 10);
    assert.ok(!inspect(lines, { depth: 20 }).includes("PRIVATE"));
  });
});

const CANARY = "sk-canary/1234567890";

/** How a key may come to a client. */
const WAYS = {
  "as a text": { apiKey: CANARY },
  "as an async function": { apiKey: async () => `${CANARY}\n` },
  "as a header of its own": { defaultHeaders: { "X-My-Token": CANARY } },
  "as a header of several": { apiKey: null, defaultHeaders: new Headers({ "x-goog-api-key": CANARY, "proxy-authorization": `Basic ${CANARY}` }) },
  "in the query": { defaultQuery: { key: CANARY } },
};

/** Answers that repeat the key wherever they can; each is an error of another class, or a success. */
const ANSWERS = {
  ...Object.fromEntries([400, 401, 403, 404, 409, 418, 422, 429, 500, 503].map((status) => [
    status, () => jsonResponse({ error: { message: `no ${CANARY} here`, code: CANARY, type: CANARY } }, { status, headers: { "x-request-id": CANARY, "x-echo": `a ${CANARY}`, "set-cookie": CANARY, ...AT_ONCE } }),
  ])),
  "text that is cut in the key": () => new Response(`${"x".repeat(490)}${CANARY}`, { status: 400 }),
  "success": () => jsonResponse(COMPLETION, { headers: { "x-echo": CANARY, "x-request-id": CANARY } }),
  "error under 200": () => jsonResponse({ error: { message: CANARY } }),
  "no JSON": () => jsonResponse(`{"${CANARY}`),
  "a redirect": () => new Response(null, { status: 307, headers: { location: `http://x.test/?key=${encodeURIComponent(CANARY)}` } }),
  "a failed connection": (url) => { throw new TypeError(`cannot fetch ${url} with ${CANARY}`); },
  "a time-out": never,
  "no response": () => CANARY,
};
const STREAMS = {
  "stream": () => streamResponse(answer(CANARY)),
  "stream that is cut": () => streamResponse([chunk(CANARY)]),
  "error in a stream": () => streamResponse([chunk("a"), { error: { message: CANARY, code: CANARY } }]),
  "malformed stream": () => streamResponse([chunk("a"), `{"${CANARY}`]),
};

suite("no key is in any line or event: L1", () => {
  for (const [way, options] of Object.entries(WAYS)) {
    test(`when it is given ${way}`, async () => {
      for (const [what, respond] of Object.entries({ ...ANSWERS, ...STREAMS })) {
        for (const logLevel of ["info", "debug"]) {
          const events = [];
          const { lines, client } = logged(async (url) => respond(url), { ...options, logLevel, maxRetries: 1, timeout: 25, onEvent: (event) => events.push(event) });
          const body = { ...REQUEST, api_key: CANARY, messages: [{ role: "user", content: `my key is ${CANARY}` }] };
          const call = () => (what in STREAMS ? askStream(client).then(collect) : ask(client, body));
          await withoutPauses(() => call().catch(() => {}));
          assert.ok(events.length > 2 && lines.length > 0, what);
          assert.match(events.at(-1).type, /^(end|error)$/);
          const shown = inspect([lines, events], { depth: 20, maxStringLength: null }) + JSON.stringify([lines, events]);
          for (const secret of [CANARY.slice(0, 9), encodeURIComponent(CANARY).slice(0, 9)]) {
            const at = shown.indexOf(secret);
            assert.equal(at, -1, `${what}, ${logLevel}: …${shown.slice(Math.max(0, at - 80), at + 40)}…`);
          }
        }
      }
    });
  }

  test("but a short key is not blotted out of every word", async () => {
    const { lines, client } = logged(async () => refusal(400, {}, "a demo of a message"), { apiKey: "demo", logLevel: "info" });
    await failure(ask(client));
    assert.match(lines.at(-1)[1], /400 a demo of a message$/);
  });
});
