/** What is tried again, and how often: rows R1 to R4 and R10 to R13. The pauses between two tries are in pauses.test.mjs. */

import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { APIConnectionError, APIConnectionTimeoutError, APIError, ChatmuxError, Chatmux } from "../../dist/entry/default.js";
import { AT_ONCE, never, refusal, tries, withoutPauses } from "./calls.mjs";
import {
  answer, ask, askStream, chunk, clientOf, clientWith, collect, COMPLETION, deadURL, failure, failureOfStream, forbidStrayRejections, jsonResponse, KEY,
  listen, pulled, reply, replyStream, REQUEST, settled, sse, STREAMED, streamResponse, textOf, until,
} from "./support.mjs";

forbidStrayRejections();

const list = { object: "list", data: [] };

suite("a status", () => {
  for (const status of [408, 409, 429, 500, 501, 502, 503, 504, 520, 529, 599]) {
    test(`R1: ${status} is repeated, twice, and the last error is thrown`, async () => {
      for (const call of [ask, askStream, (client) => client.models.list()]) {
        const { calls, error } = await tries((count) => refusal(status, AT_ONCE, `no ${count}`), {}, call);
        assert.equal(calls, 3);
        assert.equal(error.status, status);
        assert.equal(error.message, `${status} no 3`);
      }
    });
  }

  for (const status of [400, 401, 402, 403, 404, 405, 406, 407, 410, 412, 413, 418, 421, 422, 423, 424, 425, 426, 428, 431, 451, 499]) {
    test(`R1: ${status} is not repeated`, async () => {
      for (const call of [ask, askStream]) assert.equal((await tries(() => refusal(status), {}, call)).calls, 1);
    });
  }

  test("R1: beyond those that HTTP knows counts as one of 500 and above", async () => {
    for (const status of [600, 999]) {
      const { calls, error } = await tries(() => ({ status, headers: new Headers(AT_ONCE), text: async () => "odd" }));
      assert.equal(calls, 3);
      assert.equal(error.status, status);
    }
  });

  test("R1: counts for each try by itself", async () => {
    const statuses = [500, 429, 400, 500];
    const { calls, error } = await tries((count) => refusal(statuses[count - 1]), { maxRetries: 5 });
    assert.equal(calls, 3);
    assert.equal(error.status, 400);
  });

  test("R1: is repeated until it succeeds, whole and streamed, with the same bytes and headers", async (t) => {
    const server = await listen(t, (request, outgoing, count) => {
      if (count % 3) reply(outgoing, { error: { message: "busy" } }, 503, AT_ONCE);
      else if (JSON.parse(request.body).stream) replyStream(outgoing, answer("a"));
      else reply(outgoing, COMPLETION);
    });
    assert.deepEqual(await ask(clientOf(server)), COMPLETION);
    assert.equal(textOf(await collect(await askStream(clientOf(server)))), "a");
    assert.equal(server.requests.length, 6);
    for (const requests of [server.requests.slice(0, 3), server.requests.slice(3)]) {
      assert.equal(new Set(requests.map(({ body }) => body)).size, 1);
      assert.equal(new Set(requests.map(({ rawHeaders }) => rawHeaders.filter((name) => !/^(keep-alive|close)$/i.test(name)).join())).size, 1);
    }
  });

  test("R1: is repeated for models.list() and the catalogue as well", async (t) => {
    const server = await listen(t, (_, outgoing, count) => {
      if (count % 2) reply(outgoing, "busy", 500, AT_ONCE);
      else reply(outgoing, { ...list, success: true });
    });
    assert.deepEqual((await clientOf(server).models.list()).data, []);
    assert.deepEqual(await clientOf(server).models.catalogue(), []);
    assert.equal(server.requests.length, 4);
  });

  test("R1: the body is what it was when the call was made, whatever becomes of the object", async (t) => {
    const body = { ...REQUEST, messages: [{ role: "user", content: "first" }] };
    const server = await listen(t, (_, outgoing, count) => {
      body.messages[0].content = `changed ${count}`;
      reply(outgoing, COMPLETION, count < 3 ? 500 : 200, AT_ONCE);
    });
    await ask(clientOf(server), body);
    assert.deepEqual(server.requests.map((request) => JSON.parse(request.body).messages[0].content), ["first", "first", "first"]);
  });
});

suite("x-should-retry", () => {
  const advised = (status, advice, options) => tries(() => refusal(status, { ...AT_ONCE, "x-should-retry": advice }), options);

  test("R2: true repeats what R1 would not, and false does not repeat what R1 would", async () => {
    for (const status of [400, 401, 403, 404, 422, 451, 500]) assert.equal((await advised(status, "true")).calls, 3, `${status} true`);
    for (const status of [400, 408, 409, 429, 500, 503, 529]) assert.equal((await advised(status, "false")).calls, 1, `${status} false`);
  });

  test("R2: any other text leaves R1", async () => {
    for (const advice of ["yes", "no", "1", "0", "", "TRUE", "False", "true, false", "truely"]) {
      assert.equal((await advised(400, advice)).calls, 1, advice);
      assert.equal((await advised(500, advice)).calls, 3, advice);
    }
  });

  test("R2: is read whatever case its name has, from a server's own bytes", async (t) => {
    const server = await listen(t, (_, outgoing, count) => {
      const headers = ["Retry-After-Ms", "0", "X-SHOULD-RETRY", count < 3 ? "true" : "false", "content-type", "application/json"];
      outgoing.writeHead(400, headers).end('{"error":{"message":"no"}}');
    });
    assert.equal((await failure(ask(clientOf(server, { maxRetries: 9 })))).status, 400);
    assert.equal(server.requests.length, 3);
  });

  test("R2: changes neither how often, nor what a wrong model id is", async () => {
    assert.equal((await advised(400, "true", { maxRetries: 0 })).calls, 1);
    const wrong = () => refusal(503, { ...AT_ONCE, "x-should-retry": "true" }, "No available channel for model x");
    assert.equal((await tries(wrong)).calls, 1);
  });

  test("R2: of a success repeats nothing", async () => {
    let calls = 0;
    const client = clientWith(async () => (calls++, jsonResponse(COMPLETION, { headers: { "x-should-retry": "true" } })), { maxRetries: 2 });
    assert.deepEqual(await ask(client), COMPLETION);
    assert.equal(calls, 1);
  });
});

suite("maxRetries", () => {
  const count = async (client, call) => (await tries(() => refusal(500), client, (chatmux) => ask(chatmux, REQUEST, call))).calls;

  test("R3: is 2 where nobody says otherwise, and can be read", async () => {
    assert.equal(await count({ maxRetries: undefined }), 3);
    assert.equal(new Chatmux({ apiKey: KEY }).maxRetries, 2);
    assert.equal(new Chatmux({ apiKey: KEY, maxRetries: 4 }).maxRetries, 4);
    assert.equal(new Chatmux({ apiKey: KEY, maxRetries: 0 }).maxRetries, 0);
  });

  test("R3: of the call wins over the client's, 0 as well; undefined and null leave the client's", async () => {
    for (const [client, call, calls] of [[1, undefined, 2], [1, {}, 2], [1, { maxRetries: undefined }, 2], [1, { maxRetries: null }, 2], [1, { maxRetries: 0 }, 1],
      [1, { maxRetries: 3 }, 4], [0, undefined, 1], [0, { maxRetries: 2 }, 3], [0, { maxRetries: undefined }, 1], [5, { maxRetries: 1 }, 2], [null, undefined, 3]]) {
      assert.equal(await count({ maxRetries: client }, call), calls, `client ${client}, call ${JSON.stringify(call)}`);
    }
  });

  test("R3: holds for streams and lists as well", async () => {
    for (const call of [askStream, (client) => client.models.list(), (client) => client.models.catalogue()]) {
      for (const maxRetries of [0, 1, 3]) assert.equal((await tries(() => refusal(500), { maxRetries }, call)).calls, maxRetries + 1);
    }
  });

  test("R3: is not used up by another call", async () => {
    let calls = 0;
    const client = clientWith(async () => (calls++, refusal(500)), { maxRetries: 1 });
    await Promise.all([1, 2, 3].map(() => failure(ask(client))));
    assert.equal(calls, 6);
  });
});

suite("a connection", () => {
  test("R4: that fails is tried again, whole and streamed", async (t) => {
    const server = await listen(t, (request, outgoing, count) => {
      if (count % 3) request.socket.destroy();
      else if (JSON.parse(request.body).stream) replyStream(outgoing, answer("a"));
      else reply(outgoing, COMPLETION);
    });
    assert.deepEqual(await withoutPauses(() => ask(clientOf(server))), COMPLETION);
    assert.equal(await withoutPauses(async () => textOf(await collect(await askStream(clientOf(server))))), "a");
    assert.equal(server.requests.length, 6);
  });

  test("R4: that cannot be made is tried as often, and the error is a connection's", async () => {
    let calls = 0;
    const client = clientOf({ baseURL: `${await deadURL()}/v1` }, { fetch: (...args) => (calls++, fetch(...args)) });
    const error = await withoutPauses(() => failure(ask(client)));
    assert.equal(error.constructor, APIConnectionError);
    assert.equal(calls, 3);
  });

  test("R4: that fails without a word is tried again", async () => {
    for (const cause of [new TypeError("Failed to fetch"), "a text", undefined, null]) {
      const { calls, error } = await withoutPauses(() => tries(() => { throw cause; }));
      assert.equal(calls, 3);
      assert.equal(error.constructor, APIConnectionError);
    }
  });

  test("R4: that gives no headers in time is tried again", async () => {
    const { calls, error } = await withoutPauses(() => tries(never, { timeout: 20 }));
    assert.equal(calls, 3);
    assert.equal(error.constructor, APIConnectionTimeoutError);
  });

  test("R4: whose body does not come in time is tried again, as openai does", async (t) => {
    const server = await listen(t, (_, outgoing, count) => {
      if (count < 3) outgoing.writeHead(200, { "content-type": "application/json" }).write('{"id":');
      else reply(outgoing, COMPLETION);
    });
    assert.deepEqual(await withoutPauses(() => ask(clientOf(server, { timeout: 100 }))), COMPLETION);
    assert.equal(server.requests.length, 3);
  });

  test("R4: that is lost in the middle of a whole body is not tried again, as in openai", async (t) => {
    const server = await listen(t, (request, outgoing) => {
      outgoing.writeHead(200, { "content-type": "application/json", "content-length": "1000" }).write('{"id":');
      setTimeout(() => request.socket.destroy(), 20);
    });
    assert.equal((await withoutPauses(() => failure(ask(clientOf(server))))).constructor, APIConnectionError);
    assert.equal(server.requests.length, 1);
  });

  test("R4: an error of the caller's making is not tried again", async () => {
    for (const options of [{ apiKey: () => { throw new Error("sealed"); } }, { apiKey: "" }, { defaultHeaders: { "x a": "1" } }]) {
      assert.equal((await tries(() => refusal(500), options)).calls, 0);
    }
    for (const nothing of [undefined, 5]) assert.equal((await tries(() => nothing)).calls, 1);
  });
});

suite("the number of the retry", () => {
  const HEADER = /retry|stainless|attempt/i;

  test("R10: is in no header of any try", async (t) => {
    const server = await listen(t, (_, outgoing, count) => reply(outgoing, COMPLETION, count < 3 ? 500 : 200, AT_ONCE));
    await ask(clientOf(server));
    assert.equal(server.requests.length, 3);
    for (const { headers } of server.requests) assert.deepEqual(Object.keys(headers).filter((name) => HEADER.test(name)), []);
  });

  test("R10: is on the error of a status", async () => {
    for (const maxRetries of [0, 1, 3]) assert.equal((await tries(() => refusal(500), { maxRetries })).error.retryCount, maxRetries);
    assert.equal((await tries(() => refusal(400))).error.retryCount, 0);
    assert.equal((await tries((count) => refusal(count < 3 ? 500 : 400), { maxRetries: 5 })).error.retryCount, 2);
  });

  const ends = {
    "a failed connection": [() => { throw new TypeError("fetch failed"); }, APIConnectionError],
    "a timeout": [never, APIConnectionTimeoutError],
    "a page": [() => new Response("<html>", { headers: { "content-type": "text/html" } }), APIError],
    "malformed JSON": [() => jsonResponse("{"), APIError],
    "an error under 200": [() => jsonResponse({ error: { message: "no" } }), APIError],
    "a redirect": [() => new Response(null, { status: 307, headers: { location: "/" } }), APIError],
    "a wrong model id": [() => refusal(503, {}, "No available channel for model x"), APIError],
  };
  for (const [what, [end, Class]] of Object.entries(ends)) {
    test(`R10: is on the error of ${what}, whole and streamed`, async () => {
      for (const call of [ask, askStream]) {
        const respond = (count) => (count === 1 ? refusal(500) : end());
        const { error } = await withoutPauses(() => tries(respond, { maxRetries: 1, timeout: 50 }, call));
        assert.ok(error instanceof Class, String(error));
        assert.equal(error.retryCount, 1);
      }
    });
  }

  test("R10: is on the error of an abort, before, between and during the tries", async () => {
    const controller = new AbortController();
    const fetch = async () => { controller.abort(); return refusal(500, { "retry-after-ms": "50000" }); };
    assert.equal((await failure(ask(clientWith(fetch, { maxRetries: 2 }), REQUEST, { signal: controller.signal }))).retryCount, 0);
    assert.equal((await failure(ask(clientWith(fetch), REQUEST, { signal: AbortSignal.abort() }))).retryCount, 0);
    const late = new AbortController();
    const { error } = await tries((count) => (count === 1 ? refusal(500) : (late.abort(), never())), {}, (client) => ask(client, REQUEST, { signal: late.signal }));
    assert.equal(error.name, "APIUserAbortError");
    assert.equal(error.retryCount, 1);
  });

  test("R10: is on the error of an abort in the pause after a retry", async () => {
    let calls = 0;
    const controller = new AbortController();
    const client = clientWith(async () => (++calls < 2 ? refusal(500) : refusal(500, { "retry-after-ms": "50000" })), { maxRetries: 5 });
    const pending = failure(ask(client, REQUEST, { signal: controller.signal }));
    await until(() => calls === 2, "the second try");
    await sleep(20);
    controller.abort();
    const error = await settled(pending);
    assert.equal(error?.name, "APIUserAbortError");
    assert.equal(error.retryCount, 1);
    assert.equal(calls, 2);
  });

  test("R10: is on the error of a stream", async () => {
    const broken = [[chunk("a")], [chunk("a"), "{"], [chunk("a"), { error: { message: "boom" } }]];
    for (const events of broken) {
      let calls = 0;
      const client = clientWith(async () => (++calls === 1 ? refusal(500) : streamResponse(events)), { maxRetries: 2 });
      assert.equal((await failureOfStream(askStream(client))).error.retryCount, 1);
      assert.equal(calls, 2);
    }
  });
});

suite("a body that is a stream", () => {
  const parts = ["first ", "second"];
  const bodies = {
    "a ReadableStream": () => Readable.toWeb(Readable.from(parts.map((part) => Buffer.from(part)))),
    "an async generator": () => (async function* () { for (const part of parts) yield Buffer.from(part); })(),
    "a stream of Node's": () => Readable.from(parts.map((part) => Buffer.from(part))),
  };
  for (const [what, make] of Object.entries(bodies)) {
    test(`R11: ${what} is sent whole, and once only when it is refused`, async (t) => {
      const server = await listen(t, (_, outgoing) => reply(outgoing, { error: { message: "busy" } }, 500, { ...AT_ONCE, "x-should-retry": "true" }));
      const error = await failure(clientOf(server).post("/upload", { body: make() }));
      assert.equal(error.status, 500);
      assert.equal(error.retryCount, 0);
      assert.deepEqual(server.requests.map(({ body }) => body), ["first second"]);
      assert.equal(server.requests[0].headers["content-type"], undefined);
    });

    test(`R11: ${what} is sent once only when the connection fails or nobody answers`, async () => {
      for (const respond of [() => { throw new TypeError("fetch failed"); }, never]) {
        const { calls, error } = await tries(respond, { timeout: 50 }, (client) => client.post("/upload", { body: make(), maxRetries: 5 }));
        assert.equal(calls, 1);
        assert.ok(error instanceof APIConnectionError);
      }
    });

    test(`R11: ${what} reaches fetch as one that it can send, half duplex`, async () => {
      const client = clientWith(async (_, init) => {
        assert.equal(init.duplex, "half");
        return jsonResponse({ said: await new Response(init.body).text() });
      });
      assert.deepEqual(await client.post("/upload", { body: make() }), { said: "first second" });
    });
  }

  test("R11: a body that fails fails its call, once, and its error is the cause", async (t) => {
    const server = await listen(t, (_, outgoing) => reply(outgoing, {}));
    const cause = new Error("the disk is gone");
    const body = (async function* () { yield Buffer.from("first"); throw cause; })();
    const error = await settled(failure(clientOf(server).post("/upload", { body })));
    assert.ok(error instanceof ChatmuxError, String(error));
    assert.ok(server.requests.length <= 1);
  });
});

suite("the body of a try that is repeated", () => {
  for (const status of [408, 409, 429, 500, 502]) {
    test(`R12: of a ${status} is cancelled, not left unread`, async () => {
      for (const call of [ask, askStream]) {
        const bodies = [];
        const respond = (count) => {
          if (count === 3) return refusal(400);
          bodies.push(pulled(["part 1", "part 2", "part 3"]));
          return new Response(bodies.at(-1).body, { status, headers: AT_ONCE });
        };
        assert.equal((await tries(respond, {}, call)).calls, 3);
        assert.deepEqual(bodies.map(({ cancelled }) => cancelled), [true, true]);
      }
    });
  }

  test("R12: is cancelled before the next try is made", async () => {
    const seen = [];
    const respond = (count) => {
      seen.push(`try ${count}`);
      return new Response(pulled(["x"], { onCancel: () => seen.push(`cancel ${count}`) }).body, { status: 500, headers: AT_ONCE });
    };
    await tries(respond, { maxRetries: 1 });
    assert.deepEqual(seen.slice(0, 3), ["try 1", "cancel 1", "try 2"]);
  });

  test("R12: leaves no socket behind, however much the server would have sent", async (t) => {
    const server = await listen(t, (_, outgoing, count) => {
      if (count === 4) return reply(outgoing, COMPLETION);
      outgoing.writeHead([500, 429, 408][count - 1], { ...AT_ONCE, "content-length": 1e9 }).write("x".repeat(1 << 20));
    });
    assert.deepEqual(await ask(clientOf(server, { maxRetries: 3 })), COMPLETION);
    assert.equal(server.requests.length, 4);
    await until(() => server.requests.slice(0, 3).every(({ socket }) => socket.destroyed), "the sockets of the refused tries are closed");
  });

  test("R12: that cannot be cancelled does no harm", async () => {
    const cancels = [never, () => Promise.reject(new Error("no")), () => { throw new Error("no"); }];
    for (const cancel of cancels) {
      const respond = () => new Response(new ReadableStream({ pull: never, cancel }, { highWaterMark: 0 }), { status: 500, headers: AT_ONCE });
      const outcome = await settled(tries((count) => (count < 3 ? respond() : refusal(400))));
      assert.equal(outcome?.calls, 3);
    }
  });

  test("R12: of a 503 that stalls is not waited for much longer than a second", async (t) => {
    const server = await listen(t, (_, outgoing, count) => {
      if (count === 2) reply(outgoing, COMPLETION);
      else outgoing.writeHead(503, { ...AT_ONCE, "content-type": "application/json" }).write('{"error":');
    });
    for (const [maxRetries, requests] of [[1, 2], [0, 3]]) {
      const began = performance.now();
      const outcome = await settled(ask(clientOf(server, { maxRetries })).catch((error) => error), 8000);
      if (maxRetries) assert.deepEqual(outcome, COMPLETION);
      else assert.equal(outcome?.status, 503);
      assert.equal(server.requests.length, requests);
      assert.ok(performance.now() - began < 2500, `${maxRetries} retries: ${performance.now() - began} ms`);
    }
  });

  test("R12: of a 503 that never ends does not keep the call from its next try", async (t) => {
    // A 503 is read, for its text may say that the model id is wrong.
    const server = await listen(t, (_, outgoing, count) => {
      if (count === 1) return outgoing.writeHead(503, AT_ONCE).write('{"error":');
      if (count === 2) return outgoing.writeHead(503, { ...AT_ONCE, "content-length": 1e9 }).write("x".repeat(2 << 20));
      reply(outgoing, COMPLETION);
    });
    assert.deepEqual(await settled(withoutPauses(() => ask(clientOf(server, { timeout: 200 })))), COMPLETION);
    assert.equal(server.requests.length, 3);
    await until(() => server.requests.slice(0, 2).every(({ socket }) => socket.destroyed), "their sockets are closed");
  });
});

suite("once the headers are in with 200", () => {
  const cut = {
    "ends in the middle": () => streamResponse([chunk("a")]),
    "has an error": () => streamResponse([chunk("a"), { error: { message: "busy", code: 503 } }], { headers: { "x-should-retry": "true" } }),
    "is malformed": () => streamResponse([chunk("a"), "{"]),
    "is empty": () => streamResponse(""),
    "breaks": () => streamResponse(new ReadableStream({ start: (controller) => controller.error(new TypeError("terminated")) })),
    "stalls": () => streamResponse(new ReadableStream({ pull: never })),
  };
  for (const [what, respond] of Object.entries(cut)) {
    test(`R13: a stream that ${what} is not asked for again`, async () => {
      let calls = 0;
      const client = clientWith(async () => (calls++, respond()), { maxRetries: 2, timeout: 50 });
      const { error } = await settled(failureOfStream(askStream(client))) ?? {};
      assert.ok(error instanceof APIError, String(error));
      assert.equal(calls, 1);
    });
  }

  test("R13: a stream whose socket dies is not asked for again", async (t) => {
    const server = await listen(t, (request, outgoing) => {
      outgoing.writeHead(200, { "content-type": "text/event-stream" }).write(sse(chunk("a")));
      setTimeout(() => request.socket.destroy(), 20);
    });
    const { error, chunks } = await failureOfStream(askStream(clientOf(server)));
    assert.equal(error.name, "StreamTruncatedError");
    assert.equal(textOf(chunks), "a");
    assert.equal(server.requests.length, 1);
  });

  test("R13: a whole answer that is an error or cannot be read is not asked for again", async () => {
    for (const body of ['{"error":{"message":"x","type":"server_error"}}', '{"error":{"message":"x","code":429}}', "{broken", '"text"', " ", "<html>"]) {
      for (const call of [ask, (client) => askStream(client, STREAMED)]) {
        assert.equal((await tries(() => jsonResponse(body, { headers: { ...AT_ONCE, "x-should-retry": "true" } }), {}, call)).calls, 1, body);
      }
    }
  });
});
