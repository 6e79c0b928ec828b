import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { inspect } from "node:util";
import { ChatmuxError, StreamTruncatedError } from "../../dist/entry/default.js";
import {
  answer, ask, askStream, chunk, clientWith, collect, COMPLETION, failureOfStream, forbidStrayRejections, jsonResponse, settled, sse, streamResponse, textOf,
} from "./support.mjs";

forbidStrayRejections();

const wholeOf = (body, init) => ask(clientWith(async () => jsonResponse(body, init)));
const streamOf = (body) => askStream(clientWith(async () => streamResponse(body)));

/** The same instance of the wasm goes on working. */
async function stillWorks() {
  assert.deepEqual(await wholeOf(COMPLETION), COMPLETION);
  assert.equal(textOf(await collect(await streamOf(answer("ok")))), "ok");
}

suite("deep JSON", () => {
  const nested = (depth) => `${"[".repeat(depth)}${"]".repeat(depth)}`;
  const objects = (depth) => `${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`;

  for (const depth of [120, 127, 128, 129, 10_000, 1_000_000]) {
    test(`G13: of ${depth} levels is an answer or a typed error, and the next call works`, async () => {
      for (const deep of [nested(depth), objects(depth)]) {
        const bodies = {
          "a completion": () => wholeOf(`{"id":"1","choices":[],"x":${deep}}`),
          "an error": () => wholeOf(`{"error":{"message":"no","x":${deep}}}`, { status: 400 }),
          "an error as it is": () => wholeOf(deep, { status: 500 }),
          "an error's message": () => wholeOf(`{"error":{"message":${deep}}}`, { status: 400 }),
          "an error under 200": () => wholeOf(`{"error":{"message":"no","x":${deep}}}`),
          "an error under 200, streamed": () => askStream(clientWith(async () => jsonResponse(`{"error":{"x":${deep}}}`))),
          "a chunk": async () => collect(await streamOf([`{"choices":[{"index":0,"delta":{"x":${deep}},"finish_reason":"stop"}]}`])),
          "an error event": async () => collect(await streamOf([{ ...chunk("a") }, `{"error":{"message":"no","x":${deep}}}`])),
          "an event named error": async () => collect(await streamOf(`event: error\ndata: ${deep}\n\n`)),
          "choices": async () => collect(await streamOf([`{"choices":${deep}}`])),
        };
        for (const [what, call] of Object.entries(bodies)) {
          const outcome = await settled(call().then(() => "answered", (error) => error));
          assert.ok(outcome === "answered" || outcome instanceof ChatmuxError, `${what}: ${outcome}`);
        }
        await stillWorks();
      }
    });
  }

  test("of 120 levels in a chunk passes", async () => {
    const [only] = await collect(await streamOf([`{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"x":${nested(120)}}`]));
    assert.equal(JSON.stringify(only.x), nested(120));
  });
});

suite("odd JSON", () => {
  test("with a key twice is read as JSON.parse reads it", async () => {
    const texts = [
      '{"a":1,"choices":[],"a":2}',
      '{"error":{"message":"no"},"choices":[],"error":null}',
      '{"choices":[{"index":0,"finish_reason":"stop","finish_reason":null}]}',
    ];
    const chunks = await collect(await streamOf([...texts, "[DONE]"]));
    assert.deepEqual(chunks, texts.map((text) => JSON.parse(text)));
    const { error } = await failureOfStream(streamOf(['{"error":null,"choices":[],"error":{"message":"yes"}}', "[DONE]"]));
    assert.equal(error.message, "200 yes");
    // The last finish_reason is null, so that a stream which ends here has not finished.
    assert.equal((await failureOfStream(streamOf([texts[2]]))).error.constructor, StreamTruncatedError);
  });

  test("with escapes in its keys means the same", async () => {
    const { error } = await failureOfStream(streamOf(['{"\\u0065rror":{"m\\u0065ssage":"escaped"}}']));
    assert.equal(error.message, "200 escaped");
    const done = '{"choic\\u0065s":[{"finish\\u005freason":"stop"}]}';
    assert.deepEqual(await collect(await streamOf([done])), [JSON.parse(done)]);
  });

  test("G32: with every control character, escape and separator in its texts passes", async () => {
    const controls = String.fromCharCode(...Array(0x20).keys());
    const text = `${controls}\x7f\x80\x9f\u2028\u2029\ufeff\ufffe\uffff\u{10ffff}"\\/data: [DONE]\n\n`;
    const chunks = await collect(await streamOf(answer(text)));
    assert.equal(chunks[0].choices[0].delta.content, text);
    const completion = { ...COMPLETION, text };
    assert.deepEqual(await wholeOf(completion), completion);
  });

  test("with numbers of every size passes as JSON.parse has them", async () => {
    const text = '{"choices":[],"n":[0,-0,1e400,-1e-400,12345678901234567890,0.1,1E+2,5e-324]}';
    assert.deepEqual((await collect(await streamOf([text, "[DONE]"])))[0], JSON.parse(text));
  });

  test("G15: with an index that is none is an error, after the chunks before it, and never a trap", async () => {
    const event = (choice, call) =>
      `{"choices":[{"index":${choice},"delta":{"tool_calls":[{"index":${call},"id":"SECRET","function":{"arguments":"{}"}}]}}]}`;
    for (const index of ["4294967295", "4294967296", "-1", "1.5", '"0"', "128", "1e2", "{}", "[]", "true"]) {
      for (const text of [event(index, 0), event(0, index)]) {
        const { error, chunks } = await failureOfStream(streamOf([chunk("a"), chunk("b"), text, chunk("c"), "[DONE]"]));
        assert.equal(chunks.length, 2);
        assert.ok(error instanceof ChatmuxError);
        assert.equal(error.kind, "malformed_response");
        assert.match(error.message, /An index in the stream is no integer from 0 to 127/);
        assert.doesNotMatch(inspect(error), /SECRET/);
        assert.equal(error.partial.choices[0].message.content, "ab");
      }
    }
    assert.deepEqual(await collect(await streamOf([event(127, 127), "[DONE]"])), [JSON.parse(event(127, 127))]);
    await stillWorks();
  });

  test("G14: leaves Object.prototype as it was", async () => {
    const before = Object.getOwnPropertyNames(Object.prototype).join();
    for (const key of ["__proto__", "constructor", "prototype", "toString"]) {
      const text = `{"${key}":{"polluted":true},"choices":[{"index":0,"delta":{"${key}":{"polluted":true}},"finish_reason":"stop"}]}`;
      assert.equal(JSON.stringify((await collect(await streamOf([text])))[0]), text);
      assert.equal(JSON.stringify(await wholeOf(text)), text);
      const { error } = await failureOfStream(streamOf([`{"error":{"${key}":{"polluted":true},"message":"no"}}`]));
      assert.equal(error.message, "200 no");
      assert.equal({}.polluted, undefined);
      assert.equal(error.polluted, undefined);
    }
    assert.equal(Object.getOwnPropertyNames(Object.prototype).join(), before);
  });
});

suite("large answers", () => {
  test("an event of 8 MiB comes whole, in small reads", async () => {
    const text = "0123456789abcdef".repeat(1 << 19);
    const bytes = new TextEncoder().encode(sse(...answer(text)));
    for (const size of [1024, 65_536, bytes.length]) {
      let at = 0;
      const body = new ReadableStream({
        pull(controller) {
          if (at >= bytes.length) controller.close();
          else controller.enqueue(bytes.subarray(at, (at += size)));
        },
      });
      const [first] = await collect(await streamOf(body));
      assert.ok(first.choices[0].delta.content === text, `in reads of ${size} bytes`);
    }
  });

  test("a whole answer of 32 MiB comes whole", async () => {
    const content = "é世👋x".repeat(3 << 20);
    const completion = { ...COMPLETION, content };
    assert.ok((await wholeOf(completion)).content === content);
  });

  test("empty reads, comments and fields that nobody knows are passed over", async () => {
    const encoder = new TextEncoder();
    const parts = ["", `: ${"x".repeat(100_000)}\n`, "", "unknown: field\n\n", ...sse(...answer("ok")).match(/[^]{1,5}/g).flatMap((part) => [part, ""])];
    const body = new ReadableStream({
      start(controller) {
        for (const part of parts) controller.enqueue(encoder.encode(part));
        controller.close();
      },
    });
    assert.equal(textOf(await collect(await streamOf(body))), "ok");
  });
});

suite("random bytes", () => {
  /** The same numbers each time. */
  function random(seed) {
    let state = seed;
    return (below) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
  }

  test("in place of those of a stream, cut and mixed, are chunks or a typed error, 2 000 times", async () => {
    const good = new TextEncoder().encode(sse(chunk("Hello"), chunk(' "wörld" 👋\n'), { error: null, choices: [] }, ...answer("x")));
    const next = random(7);
    for (let round = 0; round < 2000; round++) {
      let bytes = Uint8Array.from(good);
      for (let change = next(6); change >= 0; change--) {
        const at = next(bytes.length);
        const kind = next(4);
        if (kind === 0) bytes[at] = next(256);
        else if (kind === 1) bytes = bytes.slice(0, at);
        else if (kind === 2) bytes = Uint8Array.from([...bytes.subarray(0, at), ...bytes.subarray(next(at + 1))]);
        else bytes[at] = '{}[]",:\n\r \\'.charCodeAt(next(11));
        if (!bytes.length) break;
      }
      const cut = next(bytes.length + 1);
      const body = new ReadableStream({
        start(controller) {
          controller.enqueue(bytes.subarray(0, cut));
          controller.enqueue(bytes.subarray(cut));
          controller.close();
        },
      });
      const outcome = await streamOf(body).then(collect).catch((error) => error);
      assert.ok(Array.isArray(outcome) || outcome instanceof ChatmuxError, `round ${round}: ${outcome}`);
    }
    await stillWorks();
  });

  test("in place of an answer or an error are typed errors, 500 times", async () => {
    const next = random(11);
    for (let round = 0; round < 500; round++) {
      const bytes = Uint8Array.from({ length: next(200) }, () => next(256));
      const status = [200, 400, 429, 500, 503][round % 5];
      const outcome = await ask(clientWith(async () => new Response(bytes, { status }))).catch((error) => error);
      const isNothing = status === 200 && bytes.length === 0 && outcome === undefined;
      assert.ok(isNothing || outcome instanceof ChatmuxError, `round ${round}: ${outcome}`);
    }
    await stillWorks();
  });
});
