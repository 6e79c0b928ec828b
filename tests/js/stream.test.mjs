import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { ChatmuxError, Stream } from "../../dist/entry/default.js";
import {
  answer, askStream, chunk, clientOf, clientWith, collect, failure, forbidStrayRejections, listen, pulled, replyStream, settled, sse, STREAMED,
  streamResponse, textOf, until,
} from "./support.mjs";

forbidStrayRejections();

const streamOf = (body, init) => askStream(clientWith(async () => streamResponse(body, init)));
/** A body of these parts whose last read waits for ever. */
function waiting(...parts) {
  const seen = { cancelled: false };
  const encoder = new TextEncoder();
  seen.body = new ReadableStream(
    {
      pull: (controller) => (parts.length ? controller.enqueue(encoder.encode(parts.shift())) : new Promise(() => {})),
      cancel: () => void (seen.cancelled = true),
    },
    { highWaterMark: 0 },
  );
  return seen;
}

suite("chunks", () => {
  test("pass as the server wrote them, whatever their shape", async () => {
    const chunks = [
      chunk("Hel"),
      { ...chunk("lo"), obfuscation: "xYz", x_new: { deep: [1, null, "é👋\u2028"] } },
      { id: "", object: "", created: 0, model: "", choices: [], prompt_filter_results: [{ prompt_index: 0 }] },
      { choices: [{ index: 0, delta: { role: "assistant", content: null, reasoning_content: "Let me", reasoning: null, refusal: null }, logprobs: null }] },
      { choices: [{ index: 0, delta: { tool_calls: [{ index: 0, id: "call_1", type: "function", function: { name: "f", arguments: "" } }] } }] },
      { choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: '{"a":"\\"' } }, { index: 1, id: "call_2", function: {} }] } }] },
      { choices: [{ index: 1, delta: {} }, { index: 0, delta: { content: "" }, finish_reason: null }], usage: null },
      {},
      { error: null, choices: [] },
      { choices: {}, type: "ping" },
      JSON.parse('{"__proto__":{"admin":true},"constructor":1,"choices":[{"delta":{"__proto__":[]}}]}'),
      { choices: [{ index: 0, delta: {}, finish_reason: "tool_calls" }, { index: 1, delta: {}, finish_reason: "length" }] },
      { choices: [], usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3, cost: 1e-7, prompt_tokens_details: { cached_tokens: 0 } } },
    ];
    const texts = chunks.map((one) => JSON.stringify(one));
    assert.deepEqual((await collect(await streamOf([...chunks, "[DONE]"]))).map((one) => JSON.stringify(one)), texts);
    assert.equal({}.admin, undefined);
  });

  test("S1: are the same wherever the bytes are cut, with each line end and in the middle of characters", async () => {
    const encoder = new TextEncoder();
    const written = [
      `: comment\r\n\r\nevent: message\ndata: ${JSON.stringify(chunk("é世"))}\r\n\r\n` +
        `data: {"choices":\ndata: []}\r\rid: 5\n\n${sse(chunk("👋\u2028\u2029\u0085", "stop"), "[DONE]")}`,
    ];
    for (const end of ["\n", "\r", "\r\n"]) written.push(written[0].replace(/\r\n|\r|\n/g, end));
    const expected = [chunk("é世"), { choices: [] }, chunk("👋\u2028\u2029\u0085", "stop")];
    const bodyOf = (parts) =>
      new ReadableStream({
        start(controller) {
          for (const part of parts) controller.enqueue(part);
          controller.close();
        },
      });
    for (const text of written) {
      const bytes = encoder.encode(text);
      for (let cut = 0; cut <= bytes.length; cut += 1) {
        const parts = [bytes.slice(0, cut), bytes.slice(cut)];
        assert.deepEqual(await collect(await streamOf(bodyOf(parts))), expected, `${JSON.stringify(text)}, cut at ${cut}`);
      }
      const single = Array.from(bytes, (byte) => Uint8Array.of(byte));
      assert.deepEqual(await collect(await streamOf(bodyOf(single))), expected, JSON.stringify(text));
    }
  });

  test("S2: whose blank line has not come are dropped, with each line end", async () => {
    for (const end of ["\n", "\r", "\r\n"]) {
      const whole = sse(chunk("a", "stop")).replaceAll("\n", end);
      for (const last of [sse(chunk("late")), sse({ error: { message: "late" } }), sse("{broken")]) {
        const half = last.trimEnd();
        // A CR LF that was cut in two is a line end all the same.
        for (const left of [half, half + end, half + end[0]]) {
          assert.deepEqual(await collect(await streamOf(whole + left)), [chunk("a", "stop")], JSON.stringify(left));
        }
      }
    }
  });

  test("are objects of their own, free to be changed", async () => {
    const stream = await streamOf([chunk("a"), chunk("a"), chunk("a", "stop"), "[DONE]"]);
    const chunks = [];
    for await (const one of stream) {
      chunks.push(structuredClone(one));
      one.choices[0].delta.content += "!";
      one.extra = true;
    }
    assert.deepEqual(chunks, [chunk("a"), chunk("a"), chunk("a", "stop")]);
  });

  test("G32: with bad UTF-8 or lone surrogates do no harm", async () => {
    const parts = ['data: {"choices":[],"x":"', [0xff, 0xfe, 0xc3], `\\ud800"}\n\n${sse(...answer("ok"))}`];
    const bytes = Buffer.concat(parts.map((part) => Buffer.from(part)));
    const chunks = await collect(await streamOf(bytes));
    assert.deepEqual(chunks[0], { choices: [], x: "\ufffd\ufffd\ufffd\ud800" });
    assert.equal(textOf(chunks.slice(1)), "ok");
  });

  test("are there as soon as they have arrived", async (t) => {
    let go;
    const server = await listen(t, async (_, outgoing) => {
      replyStream(outgoing, [chunk("first")], { end: false });
      await new Promise((resolve) => (go = resolve));
      outgoing.end(sse(...answer("second")));
    });
    const iterator = (await askStream(clientOf(server)))[Symbol.asyncIterator]();
    assert.deepEqual((await iterator.next()).value, chunk("first"));
    go();
    assert.deepEqual((await iterator.next()).value, chunk("second"));
    await iterator.return();
  });
});

suite("a stream", () => {
  test("is a Stream, and has the controller of its request", async () => {
    const stream = await streamOf(answer("x"));
    assert.ok(stream instanceof Stream);
    assert.ok(stream.controller instanceof AbortController);
    assert.equal(stream.controller.signal.aborted, false);
    assert.equal(textOf(await collect(stream)), "x");
    assert.equal(stream.controller.signal.aborted, false, "a stream that was read to its end is not aborted");
  });

  test("S6: can be read once; a second loop throws", async () => {
    const stream = await streamOf(answer("x"));
    await collect(stream);
    const error = await failure(collect(stream));
    assert.ok(error instanceof ChatmuxError);
    assert.match(error.message, /tee/);
    const left = await streamOf(answer("x", "y"));
    for await (const _ of left) break;
    assert.match((await failure(collect(left))).message, /tee/);
    assert.throws(() => left.tee(), ChatmuxError);
    assert.throws(() => left.toReadableStream(), ChatmuxError);
  });

  test("stays at its end", async () => {
    const iterator = (await streamOf(answer("x")))[Symbol.asyncIterator]();
    while (!(await iterator.next()).done);
    for (let again = 0; again < 3; again++) assert.deepEqual(await iterator.next(), { done: true, value: undefined });
    assert.deepEqual(await iterator.return(), { done: true, value: undefined });
  });

  test("answers next() calls that overlap in their order", async () => {
    const texts = [...Array(50).keys()].map(String);
    const parts = sse(...answer(...texts)).match(/[^]{1,97}/g);
    const iterator = (await streamOf(pulled(parts).body))[Symbol.asyncIterator]();
    const results = await Promise.all(Array.from({ length: 60 }, () => iterator.next()));
    assert.deepEqual(results.slice(0, 50).map(({ value }) => value.choices[0].delta.content), texts);
    assert.equal(results[50].value.choices[0].finish_reason, "stop");
    for (const result of results.slice(51)) assert.deepEqual(result, { done: true, value: undefined });
  });

  test("gives an error to one of the next() calls that overlap, and the end to those after it", async () => {
    const iterator = (await streamOf([chunk("a"), { error: { message: "boom" } }]))[Symbol.asyncIterator]();
    const results = await Promise.allSettled([iterator.next(), iterator.next(), iterator.next()]);
    assert.deepEqual(results.map(({ status }) => status), ["fulfilled", "rejected", "fulfilled"]);
    assert.equal(results[2].value.done, true);
  });

  test("ends a next() that waits when return() is called", async () => {
    const { body } = waiting(sse(chunk("a")));
    const iterator = (await streamOf(body))[Symbol.asyncIterator]();
    await iterator.next();
    const waits = [iterator.next(), iterator.next()];
    await sleep(10);
    assert.deepEqual(await settled(iterator.return()), { done: true, value: undefined });
    assert.deepEqual(await settled(Promise.all(waits)), [{ done: true, value: undefined }, { done: true, value: undefined }]);
  });

  test("can be left before it is begun", async (t) => {
    const server = await listen(t, (_, outgoing) => replyStream(outgoing, [chunk("a")], { end: false }));
    const stream = await askStream(clientOf(server));
    await stream[Symbol.asyncIterator]().return();
    assert.equal(stream.controller.signal.aborted, true);
    await settled(server.requests[0].closed);
    assert.equal(server.requests[0].socket.destroyed, true);
  });

  test("can be begun by hand and read on with for await", async () => {
    // An async generator, which openai's stream is made of, can be iterated itself.
    const iterator = (await streamOf(answer("a", "b", "c")))[Symbol.asyncIterator]();
    const first = await iterator.next();
    assert.equal(textOf([first.value, ...(await collect(iterator))]), "abc");
  });

  test("S3: ends at [DONE] and ignores what follows, errors too", async () => {
    const stream = await streamOf(`${sse(...answer("x"))}data: {"error":{"message":"late"}}\n\ndata: {broken\n\n`);
    assert.equal(textOf(await collect(stream)), "x");
    // Bytes that come in a read of their own are not even asked for.
    for (const late of [sse({ error: { message: "late" } }), "event: error\ndata: late\n\n", sse("{broken"), "data: [DONE]\n\n", "\xff\0"]) {
      const seen = pulled([...answer("x").map((event) => sse(event)), late]);
      assert.equal(textOf(await collect(await streamOf(seen.body))), "x");
      assert.ok(seen.pulls <= 4, "at most the end of the response is looked for");
    }
  });

  test("S3: ends at [DONE] with nothing around it, in whatever fields and lines it comes", async () => {
    for (const end of ["data:[DONE]\n\n", "data: [DONE]\r\r", "id: 1\nevent: x\ndata: [DONE]\n: comment\r\n\r\n"]) {
      assert.equal(textOf(await collect(await streamOf(`${sse(chunk("x"))}${end}`))), "x", JSON.stringify(end));
    }
    const others = ["data:  [DONE]\n\n", "data: [DONE] \n\n", "data: [done]\n\n", "data: [DONE]\ndata:\n\n", "data: [DONE]\ndata: [DONE]\n\n", 'data: "[DONE]"\n\n'];
    for (const end of others) {
      const error = await failure(collect(await streamOf(`${sse(chunk("x", "stop"))}${end}`)));
      assert.equal(error.kind, "malformed_response", JSON.stringify(end));
    }
    // Text that says so is text.
    assert.equal(textOf(await collect(await streamOf(answer("[DONE]", "data: [DONE]\n\n")))), "[DONE]data: [DONE]\n\n");
  });

  test("may end without [DONE] when every choice has its finish reason", async () => {
    assert.equal(textOf(await collect(await streamOf([chunk("x"), chunk(null, "stop")]))), "x");
    const two = [{ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }, { choices: [{ index: 1, delta: {}, finish_reason: "stop" }] }];
    assert.equal((await collect(await streamOf(two))).length, 2);
  });

  test("may come without a media type, or as plain text", async () => {
    for (const type of ["text/event-stream; charset=utf-8", "TEXT/EVENT-STREAM", "text/plain"]) {
      assert.equal(textOf(await collect(await streamOf(answer("x"), { headers: { "content-type": type } }))), "x");
    }
    const untyped = async () => ({ status: 200, ok: true, headers: new Headers(), body: streamResponse(answer("x")).body });
    assert.equal(textOf(await collect(await askStream(clientWith(untyped)))), "x");
  });

  test("of 20 000 chunks comes whole, in one part or in many", async () => {
    const text = sse(...answer(...Array.from({ length: 20_000 }, (_, at) => `${at} `)));
    for (const size of [text.length, 16_384, 1000]) {
      const bytes = new TextEncoder().encode(text);
      let at = 0;
      const body = new ReadableStream({
        pull(controller) {
          if (at >= bytes.length) controller.close();
          else controller.enqueue(bytes.slice(at, (at += size)));
        },
      });
      const chunks = await collect(await streamOf(body));
      assert.equal(chunks.length, 20_001);
      assert.equal(chunks[19_999].choices[0].delta.content, "19999 ");
    }
  });
});

suite("leaving a stream", () => {
  test("G25: with break aborts the request, and the server sees it", async (t) => {
    const server = await listen(t, (_, outgoing) => replyStream(outgoing, [chunk("a"), chunk("b")], { end: false }));
    const stream = await askStream(clientOf(server));
    for await (const _ of stream) break;
    assert.equal(stream.controller.signal.aborted, true);
    await settled(server.requests[0].closed);
    assert.equal(server.requests[0].socket.destroyed, true);
  });

  test("with throw or return aborts it as well, and an error of the loop is the caller's", async (t) => {
    const server = await listen(t, (_, outgoing) => replyStream(outgoing, [chunk("a"), chunk("b")], { end: false }));
    const own = new Error("of the loop");
    const thrown = await failure((async () => {
      for await (const _ of await askStream(clientOf(server))) throw own;
    })());
    assert.equal(thrown, own);
    await (async () => {
      for await (const _ of await askStream(clientOf(server))) return;
    })();
    await until(() => server.requests.length === 2 && server.requests.every(({ socket }) => socket.destroyed), "both sockets are closed");
  });

  test("with controller.abort() inside the loop ends it silently and drops what was not asked for", async () => {
    const seen = pulled([sse(chunk("a"), chunk("b"), chunk("c"))]);
    const stream = await streamOf(seen.body);
    const chunks = [];
    for await (const one of stream) {
      chunks.push(one);
      if (chunks.length === 2) stream.controller.abort();
    }
    assert.equal(textOf(chunks), "ab");
    assert.equal(seen.cancelled, true);
  });

  test("with controller.abort() before it is begun gives an empty loop", async (t) => {
    const server = await listen(t, (_, outgoing) => replyStream(outgoing, [chunk("a")], { end: false }));
    const stream = await askStream(clientOf(server));
    stream.controller.abort();
    assert.deepEqual(await collect(stream), []);
    await settled(server.requests[0].closed);
    assert.equal(server.requests[0].socket.destroyed, true);
  });

  test("with controller.abort() ends a read that waits, of Node's fetch and of a body that knows no signal", async (t) => {
    const server = await listen(t, (_, outgoing) => replyStream(outgoing, [chunk("a")], { end: false }));
    const custom = waiting(sse(chunk("a")));
    for (const stream of [await askStream(clientOf(server)), await streamOf(custom.body)]) {
      const reading = collect(stream);
      await sleep(20);
      stream.controller.abort();
      assert.equal(textOf((await settled(reading)) ?? []), "a");
    }
    assert.equal(custom.cancelled, true);
    await settled(server.requests[0].closed);
  });

  test("with the caller's signal ends it silently, inside the loop and during a read that waits", async (t) => {
    const server = await listen(t, (_, outgoing) => replyStream(outgoing, [chunk("a"), chunk("b")], { end: false }));
    for (const reason of [undefined, new Error("enough"), "enough"]) {
      for (const within of [true, false]) {
        const controller = new AbortController();
        const stream = await askStream(clientOf(server), STREAMED, { signal: controller.signal });
        const reading = (async () => {
          let count = 0;
          for await (const _ of stream) if (++count === 1 && within) controller.abort(reason);
          return count;
        })();
        await sleep(10);
        controller.abort(reason);
        assert.equal(await settled(reading), within ? 1 : 2);
        assert.equal(stream.controller.signal.aborted, true);
      }
    }
    await until(() => server.requests.every(({ socket }) => socket.destroyed), "all sockets are closed");
  });

  test("with a caller's signal that aborts before the loop gives an empty loop", async () => {
    const controller = new AbortController();
    const seen = pulled([sse(...answer("a"))]);
    const stream = await askStream(clientWith(async () => streamResponse(seen.body)), STREAMED, { signal: controller.signal });
    controller.abort();
    assert.deepEqual(await collect(stream), []);
    assert.equal(seen.cancelled, true);
  });

  test("after its end does nothing any more", async () => {
    const controller = new AbortController();
    const stream = await askStream(clientWith(async () => streamResponse(answer("a"))), STREAMED, { signal: controller.signal });
    assert.equal(textOf(await collect(stream)), "a");
    controller.abort();
    stream.controller.abort();
    await sleep(5);
  });
});
