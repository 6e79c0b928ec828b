import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  answer, ask, askStream, chunk, clientOf, clientWith, collect, COMPLETION, countListeners, failure, forbidStrayRejections, listen, pulled,
  reply, replyStream, REQUEST, settled, spawned, sse, STREAMED, streamResponse, textOf, until,
} from "./support.mjs";

forbidStrayRejections();

suite("nothing is read ahead of the consumer", () => {
  test("S7: the body is asked for one part for each chunk that is asked for", async () => {
    const seen = pulled(answer("a", "b", "c").map((event) => sse(event)));
    const stream = await askStream(clientWith(async () => streamResponse(seen.body)));
    await sleep(5);
    assert.equal(seen.pulls, 0);
    const pulls = [];
    for await (const _ of stream) {
      await sleep(2);
      pulls.push(seen.pulls);
    }
    assert.deepEqual(pulls, [1, 2, 3, 4]);
  });

  test("S7: chunks that came in one part are handed out before the next part is asked for", async () => {
    const seen = pulled([sse(chunk("a"), chunk("b"), chunk("c")), sse(...answer("d"))]);
    const pulls = [];
    for await (const _ of await askStream(clientWith(async () => streamResponse(seen.body)))) pulls.push(seen.pulls);
    assert.deepEqual(pulls, [1, 1, 1, 2, 2]);
  });
});

suite("the connection", () => {
  test("is used again after a whole answer, an error and a stream that ended properly", async (t) => {
    const server = await listen(t, (request, outgoing) => {
      const { stream, fail } = JSON.parse(request.body);
      if (fail) reply(outgoing, { error: { message: "no" } }, 400);
      else if (stream) replyStream(outgoing, answer("a", "b"));
      else reply(outgoing, COMPLETION);
    });
    const client = clientOf(server);
    // Node's fetch needs a moment to take a connection back.
    for (let round = 0; round < 3; round++) {
      await ask(client);
      await sleep(20);
      assert.equal(textOf(await collect(await askStream(client))), "ab");
      await sleep(20);
      await failure(ask(client, { ...REQUEST, fail: true }));
      await sleep(20);
    }
    assert.equal(server.requests.length, 9);
    assert.equal(server.sockets.size, 1);
  });

  test("is used again when the end of the response comes a moment after [DONE]", async (t) => {
    const server = await listen(t, async (_, outgoing) => {
      replyStream(outgoing, answer("a"), { end: false });
      await sleep(20);
      outgoing.end();
    });
    const client = clientOf(server);
    for (let round = 0; round < 3; round++) {
      assert.equal(textOf(await collect(await askStream(client))), "a");
      await settled(server.requests.at(-1).closed);
      await sleep(20);
    }
    assert.equal(server.sockets.size, 1);
  });

  test("S3: is not waited for after [DONE], and closed when the server keeps it open", async (t) => {
    const server = await listen(t, (_, outgoing) => replyStream(outgoing, answer("a"), { end: false }));
    const chunks = await settled(askStream(clientOf(server)).then(collect));
    assert.equal(textOf(chunks ?? []), "a");
    await settled(server.requests[0].closed);
    assert.equal(server.requests[0].socket.destroyed, true);
  });

  test("S3: is closed when the server goes on sending after [DONE]", async (t) => {
    const server = await listen(t, async (_, outgoing) => {
      replyStream(outgoing, answer("a"), { end: false });
      while (!outgoing.destroyed) {
        outgoing.write(": still here\n\n");
        await sleep(5);
      }
    });
    assert.equal(textOf((await settled(askStream(clientOf(server)).then(collect))) ?? []), "a");
    await until(() => server.requests[0].socket.destroyed, "the socket is closed");
  });

  test("S4, G24: is closed after an error in the middle of a stream", async (t) => {
    const broken = [[{ error: { message: "boom" } }], ["{broken"]];
    for (const events of broken) {
      const server = await listen(t, (_, outgoing) => replyStream(outgoing, [chunk("a"), ...events], { end: false }));
      await failure(askStream(clientOf(server)).then(collect));
      await settled(server.requests[0].closed);
      assert.equal(server.requests[0].socket.destroyed, true);
    }
  });

  test("of a redirect and of a long error body is free again as well", async () => {
    const redirect = pulled(["moved"]);
    const headers = { location: "https://elsewhere.test/" };
    await failure(ask(clientWith(async () => new Response(redirect.body, { status: 302, headers }))));
    assert.equal(redirect.cancelled, true);
    const endless = { pulls: 0, cancelled: false };
    const part = new Uint8Array(1 << 16).fill(97);
    endless.body = new ReadableStream(
      { pull: (controller) => (endless.pulls++, controller.enqueue(part)), cancel: () => void (endless.cancelled = true) },
      { highWaterMark: 0 },
    );
    const error = await settled(failure(ask(clientWith(async () => new Response(endless.body, { status: 400 })))));
    assert.equal(error?.status, 400);
    assert.ok(error.message.length < 1000);
    assert.ok(endless.pulls <= 17, `${endless.pulls} parts were read`);
    assert.equal(endless.cancelled, true);
  });

  test("of an answer of the wrong kind is free again", async () => {
    const page = pulled(Array(100).fill("x".repeat(1 << 16)));
    const client = clientWith(async () => new Response(page.body, { headers: { "content-type": "text/html" } }));
    await failure(askStream(client));
    assert.ok(page.cancelled || page.pulls > 100);
  });
});

suite("the caller's signal", () => {
  /** A call that ends in its own way, with a signal; the listeners that are on it afterwards. */
  async function left(fetch, use, options = {}) {
    const controller = new AbortController();
    const count = countListeners(controller.signal);
    await use(clientWith(fetch, { maxRetries: 2, ...options }), controller).catch(() => {});
    await sleep(5);
    return count;
  }
  const stream = (client, { signal }) => askStream(client, STREAMED, { signal });
  const whole = (client, { signal }, options) => ask(client, REQUEST, { signal, ...options });
  const busy = () => new Response("busy", { status: 500, headers: { "retry-after-ms": "0" } });
  const never = () => new Promise(() => {});
  const refused = () => Object.assign(new TypeError("fetch failed"), { cause: Object.assign(new Error("refused"), { code: "ECONNREFUSED" }) });

  const ways = {
    "a whole answer": [async () => Response.json(COMPLETION), whole],
    "an answer after two retries": [
      (() => { let calls = 0; return async () => (++calls < 3 ? busy() : Response.json(COMPLETION)); })(),
      whole,
    ],
    "an answer without a body": [async () => new Response(null, { status: 204 }), whole],
    "a list of models": [async () => Response.json({ object: "list", data: [] }), (client, { signal }) => client.models.list({ signal })],
    "a generic request": [async () => Response.json({ ok: true }), (client, { signal }) => client.post("/x", { body: {}, signal })],
    "a response with its data": [async () => Response.json(COMPLETION), (...args) => whole(...args).withResponse()],
    "a raw response that was read": [async () => Response.json(COMPLETION), async (...args) => (await whole(...args).asResponse()).text()],
    "a raw response of an error": [async () => Response.json({ error: {} }, { status: 400 }), (...args) => whole(...args).asResponse()],
    "another base URL": [
      async (url) => { if (url.includes("provider.test")) throw refused(); return Response.json(COMPLETION); },
      whole,
      { fallbackBaseURLs: ["http://other.test/v1"] },
    ],
    "no base URL that can be reached": [
      async () => { throw refused(); },
      (client, controller) => whole(client, controller, { maxRetries: 0 }),
      { fallbackBaseURLs: ["http://other.test/v1"] },
    ],
    "an error": [async () => Response.json({ error: {} }, { status: 400 }), whole],
    "errors until the last try": [async () => busy(), whole],
    "a failed connection": [async () => { throw new TypeError("fetch failed"); }, (client, controller) => whole(client, controller, { maxRetries: 0 })],
    "a missing key": [never, (client, { signal }) => ask(client, REQUEST, { signal, headers: { authorization: null } }), { apiKey: () => "" }],
    "malformed JSON": [async () => new Response("{"), whole],
    "a redirect": [async () => new Response(null, { status: 307, headers: { location: "/" } }), whole],
    "a timeout": [never, (client, controller) => whole(client, controller, { timeout: 5, maxRetries: 0 })],
    "an abort while waiting": [never, (client, controller) => (setTimeout(() => controller.abort(), 5), whole(client, controller))],
    "an abort between two tries": [
      async () => new Response("busy", { status: 500, headers: { "retry-after-ms": "50000" } }),
      (client, controller) => (setTimeout(() => controller.abort(), 5), whole(client, controller)),
    ],
    "a stream read to its end": [async () => streamResponse(answer("a")), async (...args) => collect(await stream(...args))],
    "a stream that was left": [async () => streamResponse(answer("a", "b")), async (...args) => { for await (const _ of await stream(...args)) break; }],
    "a stream aborted by the signal": [
      async () => streamResponse(answer("a", "b")),
      async (client, controller) => { for await (const _ of await stream(client, controller)) controller.abort(); },
    ],
    "a stream aborted by its controller": [
      async () => streamResponse(answer("a", "b")),
      async (...args) => { const one = await stream(...args); for await (const _ of one) one.controller.abort(); },
    ],
    "a stream aborted by its controller before it was begun": [
      async () => streamResponse(answer("a", "b")),
      async (...args) => (await stream(...args)).controller.abort(),
    ],
    "a stream that stalls": [
      async () => streamResponse(new ReadableStream({ pull: never })),
      async (...args) => settled(stream(...args).then(collect), 1000),
      { timeout: 20 },
    ],
    "a stream that was cut": [async () => streamResponse([chunk("a")]), async (...args) => collect(await stream(...args))],
    "a stream with an error": [async () => streamResponse([chunk("a"), { error: { message: "boom" } }]), async (...args) => collect(await stream(...args))],
    "a stream that is none": [async () => new Response("<html>", { headers: { "content-type": "text/html" } }), stream],
    "a stream that was split, both sides left": [
      async () => streamResponse(answer("a", "b")),
      async (...args) => { for (const side of (await stream(...args)).tee()) for await (const _ of side) break; },
    ],
    "a stream that was sent on and cancelled": [
      async () => streamResponse(answer("a", "b")),
      async (...args) => (await stream(...args)).toReadableStream().cancel(),
    ],
  };

  for (const [way, [fetch, use, options]] of Object.entries(ways)) {
    test(`A4: has no listener left after ${way}`, async () => {
      const { now, ever } = await left(fetch, use, options);
      assert.ok(ever > 0, "there was a listener");
      assert.equal(now, 0);
    });
  }

  test("A4: may be used for many calls without a warning or a growing list", async () => {
    const controller = new AbortController();
    const count = countListeners(controller.signal);
    const client = clientWith(async (_, init) => (JSON.parse(init.body).stream ? streamResponse(answer("a")) : Response.json(COMPLETION)));
    for (let round = 0; round < 100; round++) {
      await ask(client, REQUEST, { signal: controller.signal });
      await collect(await askStream(client, STREAMED, { signal: controller.signal }));
    }
    assert.equal(count.now, 0);
  });
});

test("A4: one signal may be of many calls at once: Node warns of nothing", async (t) => {
  const server = await listen(t, async (request, outgoing) => {
    await sleep(50);
    if (JSON.parse(request.body).stream) replyStream(outgoing, answer("a", "b"));
    else reply(outgoing, COMPLETION);
  });
  const { stdout, stderr } = await spawned(`
    const client = new chatmux.Chatmux({ apiKey: "sk-1234567890", baseURL: ${JSON.stringify(server.baseURL)} });
    const request = { model: "m", messages: [{ role: "user", content: "x" }] };
    const { signal } = new AbortController();
    const create = (body, call) => client.chat.completions.create({ ...request, ...body }, call);
    const many = (call) => Promise.all(Array.from({ length: 20 }, call));
    await many(() => create({}, { signal }));
    for (const stream of await many(() => create({ stream: true }, { signal }))) await stream.text();
    await many(async () => (await create({}, { signal }).asResponse()).text());
    console.log("end");`);
  assert.deepEqual([stdout, stderr], ["end\n", ""]);
});

suite("the process ends by itself", () => {
  const REQUEST_TEXT = '{ model: "m", messages: [{ role: "user", content: "x" }] }';
  const ways = {
    "a whole answer": `await client.chat.completions.create(${REQUEST_TEXT});`,
    "a stream": `for await (const _ of await client.chat.completions.create({ ...${REQUEST_TEXT}, stream: true }));`,
    "a stream that was left": `for await (const _ of await client.chat.completions.create({ ...${REQUEST_TEXT}, stream: true })) break;`,
    "an error": `await client.chat.completions.create({ ...${REQUEST_TEXT}, fail: true }).catch(() => {});`,
    "an abort": `const controller = new AbortController();
      const call = client.chat.completions.create({ ...${REQUEST_TEXT}, hang: true }, { signal: controller.signal });
      setTimeout(() => controller.abort(), 20);
      await call.catch(() => {});`,
    "the catalogue": "await client.models.catalogue().catch(() => {});",
    "an import alone": "",
  };

  for (const [way, source] of Object.entries(ways)) {
    test(`after ${way}: no timer of ten minutes is left`, async (t) => {
      const server = await listen(t, (request, outgoing) => {
        const { stream, fail, hang } = JSON.parse(request.body || "{}");
        if (hang) return;
        if (fail) reply(outgoing, { error: { message: "no" } }, 400);
        else if (stream) replyStream(outgoing, answer("a", "b"), { end: false });
        else reply(outgoing, COMPLETION);
      });
      const { stdout } = await spawned(`
        const client = new chatmux.Chatmux({ apiKey: "sk-1234567890", baseURL: ${JSON.stringify(server.baseURL)}, timeout: 600_000 });
        ${source}
        console.log("end");`);
      assert.equal(stdout, "end\n");
    });
  }
});
