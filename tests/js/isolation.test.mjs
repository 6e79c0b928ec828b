/** G26: what belongs to one call is never seen by another, however many there are at a time. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { APIUserAbortError } from "../../dist/entry/default.js";
import { bytesOf, chunkText } from "./streams.mjs";
import {
  ask, askStream, chunk, clientOf, clientWith, COMPLETION, failure, forbidStrayRejections, listen, reply, REQUEST, settled, sse, STREAMED,
} from "./support.mjs";

forbidStrayRejections();

const COUNT = 1000;
/** A text that is nobody else's. */
const markerOf = (n) => `«${n.toString(36)}:${((n * 2654435761) >>> 0).toString(16)}»`;
const PIECES = 6;

/** The body of stream `n`: its marker in every piece, in reads that are cut at other places in each. */
function bodyOf(n) {
  const marker = markerOf(n);
  const events = Array.from({ length: PIECES }, (_, piece) =>
    chunkText({ content: `${marker}${piece} `, ...(n % 3 === 0 && { tool_calls: [{ index: 0, function: { arguments: marker } }] }) }, { id: marker }));
  events.push(chunkText({}, { id: marker, usage: { total_tokens: n } }, { finish_reason: "stop" }));
  const bytes = bytesOf(events);
  const size = 40 + (n % 400);
  let at = 0;
  return new ReadableStream({
    async pull(controller) {
      // Another turn each time, so that all streams are read in turns with each other.
      if (n % 2) await new Promise(setImmediate);
      if (at >= bytes.length) controller.close();
      else controller.enqueue(bytes.subarray(at, (at += size)));
    },
  }, { highWaterMark: 0 });
}
const expected = (n) => Array.from({ length: PIECES }, (_, piece) => `${markerOf(n)}${piece} `);

suite("G26: a thousand streams at a time", () => {
  const client = clientWith(async (_, { body }) => {
    const n = JSON.parse(body).n;
    return new Response(bodyOf(n), { headers: { "content-type": "text/event-stream", "x-request-id": markerOf(n) } });
  });
  const open = (n, options) => askStream(client, { ...STREAMED, n }, options);
  const all = (use) => Promise.all(Array.from({ length: COUNT }, (_, n) => use(n)));

  test("each give their own chunks, text and completion", async () => {
    let strays = 0;
    await all(async (n) => {
      const stream = await open(n);
      const seen = [];
      if (n % 4 === 0) for await (const text of stream.textDeltas()) seen.push(text);
      else if (n % 4 === 1) seen.push(...(await stream.text()).match(/«.*?» ?\d ?/g));
      else {
        for await (const one of stream) {
          if (one.id !== markerOf(n)) strays++;
          if (one.choices[0].delta.content) seen.push(one.choices[0].delta.content);
          if (n % 4 === 3 && stream.partial.choices[0].message.content !== seen.join("")) strays++;
        }
      }
      if (seen.join("|") !== expected(n).join("|")) strays++;
      const { id, usage, choices } = stream.partial;
      if (id !== markerOf(n) || usage.total_tokens !== n || choices[0].message.content !== expected(n).join("")) strays++;
      const [call] = choices[0].message.tool_calls ?? [];
      if ((call?.function.arguments ?? "") !== (n % 3 ? "" : markerOf(n).repeat(PIECES))) strays++;
    });
    assert.equal(strays, 0);
  });

  test("of which some are left, aborted or broken: the others do not notice", async () => {
    let strays = 0;
    const ends = { read: 0, left: 0, aborted: 0, broken: 0 };
    await all(async (n) => {
      const controller = new AbortController();
      const stream = await open(n, { signal: controller.signal, maxEventBytes: n % 5 === 4 ? 10 : undefined });
      const seen = [];
      let how = "read";
      try {
        for await (const text of stream.textDeltas()) {
          seen.push(text);
          if (n % 5 === 1 && seen.length === 2) how = "left";
          if (n % 5 === 2 && seen.length === 3) controller.abort((how = "aborted"));
          if (how === "left") break;
        }
      } catch (error) {
        how = "broken";
        if (error.kind !== "too_large" || error.requestID !== markerOf(n)) strays++;
      }
      ends[how]++;
      if (seen.join("") !== expected(n).slice(0, { read: PIECES, left: 2, aborted: 3, broken: 0 }[how]).join("")) strays++;
    });
    assert.equal(strays, 0);
    assert.deepEqual(ends, { read: 400, left: 200, aborted: 200, broken: 200 });
  });
});

test("G26: whole answers, errors and streams over the network each go to who asked", async (t) => {
  const server = await listen(t, async (request, outgoing) => {
    const { n, stream } = JSON.parse(request.body);
    const marker = markerOf(n);
    const headers = { "x-request-id": marker };
    if (request.headers.authorization !== `Bearer sk-${n}-0123456789` || request.headers["x-marker"] !== String(n)) return reply(outgoing, "stray", 418);
    await sleep((n * 7) % 23);
    if (n % 3 === 0) return reply(outgoing, { error: { message: marker } }, 400, headers);
    if (!stream) return reply(outgoing, { ...COMPLETION, id: marker }, 200, headers);
    outgoing.writeHead(200, { "content-type": "text/event-stream", ...headers });
    for (let piece = 0; piece < PIECES; piece++) {
      outgoing.write(sse({ ...chunk(`${marker}${piece} `), id: marker }));
      if (piece % 2) await sleep(n % 5);
    }
    outgoing.end(sse(chunk(null, "stop"), "[DONE]"));
  });
  const results = await Promise.all(Array.from({ length: 300 }, async (_, n) => {
    const client = clientOf(server, { apiKey: async () => `sk-${n}-0123456789`, defaultHeaders: { "x-marker": String(n) } });
    const call = n % 2 ? ask(client, { ...REQUEST, n }) : askStream(client, { ...STREAMED, n }).then((stream) => stream.text());
    const outcome = await settled(call.catch((error) => error), 20_000);
    if (n % 3 === 0) return outcome.message === `400 ${markerOf(n)}` && outcome.requestID === markerOf(n);
    return n % 2 ? outcome.id === markerOf(n) : outcome === expected(n).join("");
  }));
  assert.equal(results.filter((isRight) => !isRight).length, 0);
});

test("G26: an abort of one call at the very moment of another's answer ends only the one", async () => {
  for (let round = 0; round < 50; round++) {
    const controller = new AbortController();
    let answer;
    const client = clientWith(() => new Promise((resolve) => (answer = resolve)));
    const aborted = failure(ask(client, REQUEST, { signal: controller.signal }));
    while (!answer) await sleep(0);
    const first = answer;
    answer = undefined;
    const other = ask(client);
    while (!answer) await sleep(0);
    controller.abort();
    first(Response.json({ ...COMPLETION, id: "not wanted" }));
    answer(Response.json({ ...COMPLETION, id: "wanted" }));
    assert.equal((await other).id, "wanted");
    assert.ok((await aborted) instanceof APIUserAbortError);
  }
});
