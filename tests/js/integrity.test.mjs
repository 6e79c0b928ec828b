/** What a stream that fails still tells: what had arrived, what it cost, and where it was cut. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { APIConnectionError, APIError, StreamTruncatedError } from "../../dist/entry/default.js";
import { bodyOf, openBody } from "./streams.mjs";
import {
  answer, ask, askStream, chunk, clientOf, clientWith, collect, COMPLETION, EVENT_STREAM, failure, failureOfStream, forbidStrayRejections, listen,
  listenRaw, replyStream, settled, sse, streamResponse, textOf,
} from "./support.mjs";

forbidStrayRejections();

const encoder = new TextEncoder();
const USAGE = { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 };
/** A chunk that says what the answer has cost so far, as some providers do with each. */
const counted = (content) => ({ ...chunk(content), usage: USAGE });
/** Every way to read a stream to its end. */
const READERS = {
  "chunk by chunk": collect,
  "as texts": (stream) => collect(stream.textDeltas()),
  "as one text": (stream) => stream.text(),
  "one side of a tee": (stream) => collect(stream.tee()[0]),
  "as bytes to send on": (stream) => new Response(stream.toReadableStream()).text(),
};

/** OpenRouter's chunk of an error in mid-stream, from its documentation. */
const OPENROUTER = {
  id: "cmpl-abc123",
  object: "chat.completion.chunk",
  created: 1234567890,
  model: "gpt-4o",
  provider: "openai",
  error: { code: 502, message: "Provider disconnected unexpectedly", metadata: { provider_name: "openai" } },
  choices: [{ index: 0, delta: { content: "" }, finish_reason: "error" }],
};

suite("the error of a stream carries what had arrived and what it cost", () => {
  const ends = {
    "defect 4: a stream that closes without [DONE] and without a finish reason": ["", "stream_truncated", undefined],
    "defect 5: OpenRouter's chunk of an error": [sse(OPENROUTER, ...answer("late")), "internal_server", 502],
    "S4: an event named error": ['event: error\ndata: {"error":{"message":"boom","code":429}}\n\n', "rate_limit", 429],
    "S4: an error member": [sse({ error: { message: "boom", type: "server_error", code: "x" } }), "internal_server", 500],
    "S5: malformed JSON": [sse("{broken"), "malformed_response", 200],
  };
  for (const [what, [end, kind, status]] of Object.entries(ends)) {
    test(what, async () => {
      for (const [how, read] of Object.entries(READERS)) {
        for (const size of [1, 50, Infinity]) {
          const body = bodyOf(encoder.encode(sse(chunk("Hello"), counted(" you")) + end), size);
          const error = await failure(read(await openBody(body.body)));
          assert.ok(error instanceof APIError, `${how}: ${error}`);
          assert.deepEqual([error.kind, error.status], [kind, status], how);
          assert.equal(error.partial.choices[0].message.content, "Hello you", how);
          assert.equal(error.partial.choices[0].finish_reason, null, how);
          assert.deepEqual(error.usage, USAGE, how);
        }
      }
    });
  }

  test("defect 5: status, code, type and object are those of the provider's error, and the request is ended", async (t) => {
    const server = await listen(t, (_, outgoing) => replyStream(outgoing, [chunk("Hello"), OPENROUTER], { end: false }));
    const { error, chunks } = await failureOfStream(askStream(clientOf(server)));
    assert.equal(textOf(chunks), "Hello");
    assert.equal(error.name, "InternalServerError");
    assert.equal(error.message, "502 Provider disconnected unexpectedly");
    assert.equal(error.status, 502);
    assert.equal(error.code, 502);
    assert.deepEqual(error.error, OPENROUTER.error);
    assert.ok(await settled(server.requests[0].closed, 1000), "the server sees the end");
    assert.equal(server.requests.length, 1);
  });

  test("defect 5: the usage that comes with the error is known, as the last there is", async () => {
    const late = { prompt_tokens: 9, completion_tokens: 7, total_tokens: 16 };
    for (const before of [[chunk("Hello")], [counted("Hello")], []]) {
      for (const event of [{ ...OPENROUTER, usage: late }, { error: { message: "boom" }, usage: late }]) {
        for (const [how, read] of Object.entries(READERS)) {
          const error = await failure(read(await openBody(bodyOf(encoder.encode(sse(...before, event))).body)));
          assert.ok(error instanceof APIError, `${how}: ${error}`);
          assert.deepEqual(error.usage, late, how);
        }
      }
    }
  });

  test("a connection that breaks, with the reason", async (t) => {
    const server = await listen(t, (request, outgoing) => {
      replyStream(outgoing, [chunk("Hello"), counted(" you")], { end: false });
      setTimeout(() => request.socket.destroy(), 20);
    });
    const { error } = await failureOfStream(askStream(clientOf(server)));
    assert.equal(error.constructor, StreamTruncatedError);
    assert.equal(error.partial.choices[0].message.content, "Hello you");
    assert.deepEqual(error.usage, USAGE);
  });

  test("is silent of what had not arrived", async () => {
    const { error } = await failureOfStream(openBody(bodyOf(encoder.encode(": nothing\n\n")).body));
    assert.equal(error.constructor, StreamTruncatedError);
    assert.equal(error.partial ?? null, null);
    assert.equal(error.usage ?? null, null);
    const unpaid = await failureOfStream(openBody(bodyOf(encoder.encode(sse(chunk("a")))).body));
    assert.equal(unpaid.error.partial.choices[0].message.content, "a");
    assert.equal(unpaid.error.usage ?? null, null);
  });
});

suite("a cut", () => {
  const text = sse(chunk("é👋"), counted("b"), chunk(null, "stop")) + "data: [DONE]\n\n";
  const bytes = encoder.encode(text);
  /** How many whole events stand before this byte. */
  const before = (cut) => Buffer.from(bytes.subarray(0, cut)).toString("latin1").split("\n\n").length - 1;
  /** The one right outcome: the answer when its finish reason has come, an error that says what had arrived else. */
  function judge(cut, { chunks, error }) {
    const events = before(cut);
    assert.equal(chunks.length, Math.min(events, 3), `cut at ${cut}`);
    if (events >= 3) return assert.equal(error, undefined, `cut at ${cut}`);
    assert.equal(error?.constructor, StreamTruncatedError, `cut at ${cut}: ${error}`);
    assert.equal(error.partial?.choices[0].message.content, ["", "é👋", "é👋b"][events] || undefined, `cut at ${cut}`);
    assert.deepEqual(error.usage ?? undefined, events === 2 ? USAGE : undefined, `cut at ${cut}`);
  }
  const outcome = async (opened) => {
    const chunks = [];
    try {
      for await (const one of await opened) chunks.push(one);
    } catch (error) {
      return { chunks, error };
    }
    return { chunks };
  };

  test("at every byte of a stream is the answer or StreamTruncatedError", async () => {
    for (let cut = 0; cut <= bytes.length; cut++) judge(cut, await outcome(openBody(bodyOf(bytes.slice(0, cut)).body)));
  });

  test("at every seventh byte, by a server that closes the connection", async (t) => {
    const cuts = [];
    const server = await listen(t, (_, outgoing, number) => {
      outgoing.writeHead(200, EVENT_STREAM).flushHeaders();
      outgoing.write(bytes.subarray(0, cuts[number - 1]), () => outgoing.destroy());
    });
    for (let cut = 1; cut <= bytes.length; cut += 7) {
      cuts.push(cut);
      const seen = await settled(outcome(askStream(clientOf(server))));
      // Node's fetch may drop what came with the break: less may have arrived, but never more or something else.
      if (seen.error && seen.chunks.length < Math.min(before(cut), 3)) {
        assert.equal(seen.error.constructor, StreamTruncatedError);
        continue;
      }
      if (before(cut) >= 3 && seen.error) assert.equal(seen.error.constructor, StreamTruncatedError);
      else judge(cut, seen);
    }
  });

  test("at every byte of a whole answer is a typed error, and never half an answer", async (t) => {
    const whole = encoder.encode(JSON.stringify(COMPLETION));
    // One without any byte is no half answer: it is undefined, as with openai.
    for (let cut = 1; cut < whole.length; cut++) {
      const error = await failure(ask(clientWith(async () => new Response(whole.slice(0, cut), { headers: { "content-type": "application/json" } }))));
      assert.ok(error instanceof APIError, `cut at ${cut}: ${error}`);
      assert.ok(!(error instanceof StreamTruncatedError));
    }
    const cuts = [];
    const server = await listenRaw(t, (socket) =>
      socket.once("data", () => {
        socket.write(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${whole.length}\r\n\r\n`);
        socket.end(whole.subarray(0, cuts.at(-1)));
      }),
    );
    for (let cut = 0; cut < whole.length; cut += 16) {
      cuts.push(cut);
      const error = await settled(failure(ask(clientOf(server, { maxRetries: 0 }))));
      assert.ok(error instanceof APIConnectionError, `cut at ${cut}: ${error}`);
    }
  });

  test("of a stream that had its finish reason, or its [DONE], is no error", async () => {
    for (const end of ["", "data: [DON", "data: [DONE]\n\n"]) {
      const stream = await openBody(bodyOf(encoder.encode(sse(chunk("a", "stop")) + end), 5).body);
      assert.equal(await stream.text(), "a");
    }
    assert.equal(textOf(await collect(await askStream(clientWith(async () => streamResponse([chunk("a"), "[DONE]"]))))), "a");
  });
});
