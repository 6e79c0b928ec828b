/** A stream that goes silent, drips or never ends: `firstEventTimeout`, `idleTimeout`, `totalTimeout`, `timeout`. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { APIConnectionError, APIConnectionTimeoutError, APIError, ChatmuxError, StreamTimeoutError } from "../../dist/entry/default.js";
import { chunkText } from "./streams.mjs";
import {
  answer, ask, askStream, chunk, clientOf, clientWith, collect, COMPLETION, EVENT_STREAM, failure, failureOfStream, forbidStrayRejections, JSON_TYPE,
  jsonResponse, listen, reply, replyStream, REQUEST, settled, sse, STREAMED, streamResponse, textOf,
} from "./support.mjs";

forbidStrayRejections();

/** Times are short, and what they are compared with is long: the machine may be busy. */
const SHORT = 150;
const LONG = 60_000;
const USAGE = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };

/** Writes this again and again until the client goes, and gives up at the test's end. */
async function keepWriting(outgoing, part, pause = 10) {
  while (!outgoing.destroyed) {
    outgoing.write(typeof part === "function" ? part() : part);
    await sleep(pause);
  }
}
/** Sends the headers of a stream, these events, and then whatever `more` does. */
const streaming = (events, more = () => {}) => async (_, outgoing) => {
  replyStream(outgoing, events, { end: false });
  await more(outgoing);
};
const open = (server, options, call) => askStream(clientOf(server, options), STREAMED, call);

/** The error of a stream that must end by itself, what came before it, and how long that took. */
async function timedOut(opened) {
  const start = performance.now();
  const seen = await settled(failureOfStream(opened), 8000);
  assert.ok(seen, "it hangs");
  return { ...seen, took: performance.now() - start };
}

function judge({ error, took }, { limit = SHORT, text = "", usage }) {
  assert.equal(error.constructor, StreamTimeoutError, String(error));
  assert.ok(error instanceof APIConnectionTimeoutError && error instanceof APIConnectionError && error instanceof APIError);
  assert.deepEqual([error.name, error.kind, error.status], ["StreamTimeoutError", "stream_timeout", undefined]);
  assert.equal(error.partial?.choices[0].message.content ?? "", text);
  assert.deepEqual(error.usage ?? undefined, usage);
  assert.ok(took >= limit * 0.9, `not before the limit, but after ${took} ms`);
  assert.ok(took < limit + 4000, `soon after the limit, not after ${took} ms`);
}

/** The server sees the end of its request within a second. */
async function assertClosed(server) {
  for (const { closed } of server.requests) assert.ok(await settled(closed, 1000), "the server's request is closed");
}

suite("defect 8, G24: a stream whose body stalls", { concurrency: 8 }, () => {
  test("after the first chunk ends with StreamTimeoutError, what had arrived and what it cost", async (t) => {
    const server = await listen(t, streaming([chunk("Hel"), { ...chunk("lo"), usage: USAGE }]));
    for (const options of [{ timeout: SHORT }, { idleTimeout: SHORT }, { totalTimeout: SHORT }]) {
      for (const [client, call] of [[options, undefined], [{ idleTimeout: LONG, totalTimeout: LONG }, options]]) {
        // A limit that is given is not lowered by another.
        if (client.idleTimeout === LONG && options.timeout) continue;
        const seen = await timedOut(open(server, client, call));
        judge(seen, { text: "Hello", usage: USAGE });
        assert.equal(textOf(seen.chunks), "Hello");
      }
    }
    await assertClosed(server);
  });

  test("is read in no way that hangs", async (t) => {
    const server = await listen(t, streaming([chunk("Hello")]));
    const ways = {
      "as texts": (stream) => collect(stream.textDeltas()),
      "as one text": (stream) => stream.text(),
      "both sides of a tee": (stream) => Promise.all(stream.tee().map(collect)),
      "as bytes to send on": (stream) => new Response(stream.toReadableStream()).text(),
      "by hand": async (stream) => {
        const iterator = stream[Symbol.asyncIterator]();
        await Promise.all([iterator.next(), iterator.next(), iterator.next()]);
      },
    };
    for (const [how, read] of Object.entries(ways)) {
      const error = await settled(failure(open(server, { idleTimeout: SHORT }).then(read)), 8000);
      assert.equal(error?.constructor, StreamTimeoutError, how);
      assert.equal(error.partial.choices[0].message.content, "Hello", how);
    }
    await assertClosed(server);
  });

  test("gives the end after its error, and is not tried again", async (t) => {
    const server = await listen(t, streaming([chunk("a")]));
    const stream = await open(server, { idleTimeout: SHORT, maxRetries: 2 });
    const iterator = stream[Symbol.asyncIterator]();
    await iterator.next();
    assert.equal((await failure(iterator.next())).constructor, StreamTimeoutError);
    for (let again = 0; again < 3; again++) assert.deepEqual(await iterator.next(), { done: true, value: undefined });
    assert.equal(stream.partial.choices[0].message.content, "a");
    assert.equal(stream.controller.signal.aborted, true, "its request is ended");
    assert.equal(server.requests.length, 1);
  });

  test("of a caller's fetch that knows nothing of signals is let go as well", async () => {
    let cancelled = false;
    const part = new TextEncoder().encode(sse(chunk("a")));
    let parts = 0;
    const pull = (controller) => (parts++ ? new Promise(() => {}) : controller.enqueue(part));
    const body = new ReadableStream({ pull, cancel: () => void (cancelled = true) }, { highWaterMark: 0 });
    judge(await timedOut(askStream(clientWith(async () => streamResponse(body), { idleTimeout: SHORT }))), { text: "a" });
    assert.equal(cancelled, true);
  });
});

suite("firstEventTimeout", { concurrency: 8 }, () => {
  test("ends a stream that has headers and nothing more, and one that only comments", async (t) => {
    const silent = [(outgoing) => outgoing, (outgoing) => keepWriting(outgoing, ": OPENROUTER PROCESSING\n\n"), (outgoing) => keepWriting(outgoing, "\n")];
    for (const more of silent) {
      const server = await listen(t, streaming([], more));
      judge(await timedOut(open(server, { firstEventTimeout: SHORT, idleTimeout: LONG })), {});
      judge(await timedOut(open(server, {}, { firstEventTimeout: SHORT })), {});
      judge(await timedOut(open(server, { timeout: SHORT })), {});
      await assertClosed(server);
    }
  });

  test("has no say after the first event, and none before the headers", async (t) => {
    const server = await listen(t, async (_, outgoing) => {
      await sleep(3 * SHORT);
      replyStream(outgoing, [chunk("a")], { end: false });
      await sleep(3 * SHORT);
      outgoing.end(sse(...answer("b")));
    });
    assert.equal(await (await open(server, { firstEventTimeout: SHORT })).text(), "ab");
  });

  test("does not lose what had arrived when the reader is late", async (t) => {
    const server = await listen(t, streaming(answer("a", "b"), (outgoing) => outgoing.end()));
    const stream = await open(server, { firstEventTimeout: SHORT, idleTimeout: SHORT });
    await sleep(3 * SHORT);
    assert.equal(await stream.text(), "ab");
  });
});

suite("idleTimeout", { concurrency: 8 }, () => {
  test("is no limit for a stream that says something now and then, comments too", async (t) => {
    const server = await listen(t, async (_, outgoing) => {
      replyStream(outgoing, [chunk("a")], { end: false });
      for (let round = 0; round < 12; round++) {
        outgoing.write(round % 3 ? ": ping\n\n" : sse(chunk("b")));
        await sleep(50);
      }
      outgoing.end(sse(...answer("c")));
    });
    assert.equal(await (await open(server, { idleTimeout: 400 })).text(), "abbbbc");
  });

  test("is one for bytes that drip and never come to a line", async (t) => {
    const server = await listen(t, streaming([chunk("a")], (outgoing) => keepWriting(outgoing, "x")));
    judge(await timedOut(open(server, { idleTimeout: SHORT })), { text: "a" });
    await assertClosed(server);
  });

  test("does not run while nobody waits: a slow reader loses nothing", async (t) => {
    const server = await listen(t, streaming(["a", "b", "c"].map((text) => chunk(text)), async (outgoing) => {
      await sleep(20);
      outgoing.end(sse(...answer("d")));
    }));
    const texts = [];
    for await (const text of (await open(server, { idleTimeout: SHORT, firstEventTimeout: SHORT })).textDeltas()) {
      texts.push(text);
      await sleep(2 * SHORT);
    }
    assert.deepEqual(texts, ["a", "b", "c", "d"]);
  });

  test("begins anew with each read that waits", async (t) => {
    const server = await listen(t, async (_, outgoing) => {
      replyStream(outgoing, [chunk("0")], { end: false });
      for (let round = 1; round < 5; round++) {
        await sleep(200);
        outgoing.write(sse(chunk(String(round))));
      }
      outgoing.end(sse(...answer()));
    });
    assert.equal(await (await open(server, { idleTimeout: 600 })).text(), "01234");
  });

  test("does not run for a whole answer, which has its `timeout`", async (t) => {
    const server = await listen(t, async (_, outgoing) => {
      await sleep(3 * SHORT);
      reply(outgoing, COMPLETION);
    });
    assert.deepEqual(await ask(clientOf(server, { idleTimeout: SHORT, firstEventTimeout: SHORT, maxRetries: 0 })), COMPLETION);
  });
});

suite("a stream of which the text alone is read", { concurrency: 8 }, () => {
  const READ = { "as texts": async (stream) => (await collect(stream.textDeltas())).join(""), "as one text": (stream) => stream.text() };
  const WORDLESS = {
    "reasoning": chunkText({ reasoning_content: "hm" }),
    "tool calls": chunkText({ tool_calls: [{ index: 0, id: "call_1", function: { name: "f", arguments: "{" } }] }),
    "another choice": chunkText({ content: "other" }, {}, { index: 1 }),
    "empty texts": chunkText({ content: "" }),
  };
  for (const [what, event] of Object.entries(WORDLESS)) {
    test(`is not silent while events come that have none of it: ${what}`, async (t) => {
      const server = await listen(t, async (_, outgoing) => {
        replyStream(outgoing, [], { end: false });
        for (const text of ["a", "b"]) {
          for (let round = 0; round < 9; round++) outgoing.write(sse(event)), await sleep(50);
          outgoing.write(sse(chunk(text)));
        }
        const ends = [0, 1].map((index) => chunkText({}, {}, { index, finish_reason: "stop" }));
        outgoing.end(sse(...ends, "[DONE]"));
      });
      const readings = Object.entries(READ).map(async ([how, read]) => {
        const stream = await open(server, { firstEventTimeout: 400, idleTimeout: 400 });
        assert.equal(await settled(read(stream), 8000), "ab", how);
      });
      await Promise.all(readings);
    });

    test(`is judged by idleTimeout once such events have come: ${what}`, async (t) => {
      const server = await listen(t, streaming([event, event]));
      for (const [how, read] of Object.entries(READ)) {
        const error = await settled(failure(open(server, { firstEventTimeout: LONG, idleTimeout: SHORT }).then(read)), 8000);
        assert.equal(error?.constructor, StreamTimeoutError, `${how}: ${error}`);
      }
      await assertClosed(server);
    });
  }
});

suite("timeout", { concurrency: 8 }, () => {
  test("lowers both others where it is shorter and they are not given, and raises none", async (t) => {
    const mute = await listen(t, streaming([]));
    const stalling = await listen(t, streaming([chunk("a")]));
    for (const server of [mute, stalling]) {
      judge(await timedOut(open(server, { timeout: SHORT })), { text: server === mute ? "" : "a" });
      judge(await timedOut(open(server, {}, { timeout: SHORT })), { text: server === mute ? "" : "a" });
      judge(await timedOut(open(server, { timeout: LONG, firstEventTimeout: SHORT, idleTimeout: SHORT })), { text: server === mute ? "" : "a" });
    }
  });

  test("is none for a stream that goes on and on", async (t) => {
    const server = await listen(t, streaming([chunk("a")], async (outgoing) => {
      for (let round = 0; round < 10; round++) {
        await sleep(50);
        outgoing.write(sse(chunk("b")));
      }
      outgoing.end(sse(...answer()));
    }));
    assert.equal(await (await open(server, { timeout: 350 })).text(), `a${"b".repeat(10)}`);
  });

  test("ends a whole answer that drips, one byte after the other", async (t) => {
    const server = await listen(t, async (_, outgoing) => {
      outgoing.writeHead(200, JSON_TYPE);
      await keepWriting(outgoing, " ", 20);
    });
    for (const options of [{ timeout: SHORT }, { totalTimeout: SHORT }]) {
      const error = await settled(failure(ask(clientOf(server, { maxRetries: 0, ...options }))), 8000);
      assert.equal(error?.constructor, APIConnectionTimeoutError);
      assert.equal(error.kind, "timeout");
    }
    await assertClosed(server);
  });
});

suite("totalTimeout", { concurrency: 8 }, () => {
  test("ends a stream that never ends, with all that had arrived", async (t) => {
    let sent = 0;
    const server = await listen(t, streaming([], (outgoing) => keepWriting(outgoing, () => (sent++, sse(chunk("x"))))));
    const seen = await timedOut(open(server, { totalTimeout: 400 }));
    judge(seen, { limit: 400, text: textOf(seen.chunks) });
    assert.ok(seen.chunks.length > 3 && seen.chunks.length <= sent);
    await assertClosed(server);
  });

  test("is for all tries of a call and the pauses between them", async (t) => {
    const busy = await listen(t, (_, outgoing) => reply(outgoing, { error: { message: "busy" } }, 503, { "retry-after-ms": "40" }));
    const slow = await listen(t, () => {});
    const paused = await listen(t, (_, outgoing) => reply(outgoing, "busy", 429, { "retry-after": "30" }));
    for (const [server, options] of [[busy, {}], [slow, { timeout: 100 }], [paused, {}]]) {
      for (const call of [ask, (client) => askStream(client).then(collect)]) {
        const error = await settled(failure(call(clientOf(server, { maxRetries: 20, totalTimeout: 300, ...options }))), 8000);
        // Where the next try could not be in time, the last one's error may come at once.
        assert.ok(error instanceof APIConnectionTimeoutError || (server !== slow && error instanceof APIError), String(error));
      }
    }
    assert.ok(busy.requests.length > 2, "there was more than one try");
    assert.equal(paused.requests.length, 2, "one for each call");
  });

  test("that ends in the pause before the next try leaves what the server said", async () => {
    for (const [status, name] of [[429, "RateLimitError"], [500, "InternalServerError"], [503, "InternalServerError"]]) {
      const body = { error: { message: "too many tokens", code: "quota", type: "limit" } };
      const client = clientWith(async () => jsonResponse(body, { status, headers: { "retry-after": "30" } }), { totalTimeout: 300, maxRetries: 2 });
      for (const call of [ask, askStream]) {
        const error = await settled(failure(call(client)), 8000);
        assert.deepEqual([error?.name, error?.status, error?.message, error?.code], [name, status, `${status} too many tokens`, "quota"]);
        assert.deepEqual(error.error, body.error);
      }
    }
  });

  test("is no limit for a call that is well in time", async (t) => {
    const server = await listen(t, (request, outgoing) =>
      JSON.parse(request.body).stream ? replyStream(outgoing, answer("a")) : reply(outgoing, COMPLETION));
    const client = clientOf(server, { totalTimeout: 5000 });
    assert.deepEqual(await ask(client), COMPLETION);
    assert.equal(await (await askStream(client)).text(), "a");
  });

  test("of the call wins over the client's", async (t) => {
    const server = await listen(t, () => {});
    const error = await settled(failure(ask(clientOf(server, { totalTimeout: LONG, maxRetries: 0 }), REQUEST, { totalTimeout: SHORT })), 8000);
    assert.equal(error?.constructor, APIConnectionTimeoutError);
  });

  test("ends a list of models as well", async (t) => {
    const server = await listen(t, (_, outgoing) => void outgoing.writeHead(200, JSON_TYPE).write("{"));
    const error = await settled(failure(clientOf(server, { totalTimeout: SHORT, maxRetries: 0 }).models.list()), 8000);
    assert.equal(error?.constructor, APIConnectionTimeoutError);
    await assertClosed(server);
  });
});

suite("a timeout that is none", { concurrency: 8 }, () => {
  for (const name of ["firstEventTimeout", "idleTimeout", "totalTimeout"]) {
    test(`is refused before anything is sent: ${name}`, async () => {
      let calls = 0;
      const fetch = async () => (calls++, streamResponse(answer("a")));
      for (const value of [-1, NaN, "100", {}, true]) {
        for (const attempt of [
          () => askStream(clientWith(fetch, { [name]: value })),
          () => askStream(clientWith(fetch), STREAMED, { [name]: value }),
        ]) {
          const error = await failure((async () => attempt())());
          assert.ok(error instanceof ChatmuxError && !(error instanceof APIError), `${String(value)}: ${error}`);
          assert.match(error.message, new RegExp(name));
        }
      }
      assert.equal(calls, 0);
    });
  }
});

suite("a stream in time", { concurrency: 8 }, () => {
  test("leaves an abort of the caller what it is", async (t) => {
    const server = await listen(t, streaming([chunk("a")]));
    const stream = await open(server, { idleTimeout: SHORT });
    setTimeout(() => stream.controller.abort(), SHORT / 3);
    assert.equal(textOf((await settled(collect(stream))) ?? []), "a");
  });

  test("is not ended by its timers once it is over", async (t) => {
    const server = await listen(t, (_, outgoing) => void outgoing.writeHead(200, EVENT_STREAM).end(sse(...answer("a"))));
    const stream = await open(server, { idleTimeout: SHORT, firstEventTimeout: SHORT, totalTimeout: 2 * SHORT });
    assert.equal(textOf(await collect(stream)), "a");
    await sleep(3 * SHORT);
    assert.equal(stream.controller.signal.aborted, false);
  });
});
