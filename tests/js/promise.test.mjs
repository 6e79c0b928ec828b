/** What a call gives besides its answer: the raw response, the response beside the answer, the id of the request. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { inspect } from "node:util";
import { APIError, ChatmuxError, NotFoundError } from "../../dist/entry/default.js";
import { AT_ONCE, refusal, withoutPauses } from "./calls.mjs";
import {
  answer, ask, askStream, chunk, clientOf, clientWith, collect, COMPLETION, deadURL, failure, forbidStrayRejections, JSON_TYPE, jsonResponse, listen, reply,
  replyStream, REQUEST, settled, spawned, sse, STREAMED, streamResponse, textOf, until,
} from "./support.mjs";

// What a promise of chatmux leaves unhandled would end a program of Node's.
forbidStrayRejections();

const ID = { "x-request-id": "req_7" };
const LIST = { object: "list", data: [{ id: "m", object: "model" }] };

/** A server for every kind of call. */
const serve = (t, headers = ID) =>
  listen(t, (request, outgoing) => {
    if (request.method === "GET") reply(outgoing, request.url.endsWith("/models") ? LIST : LIST.data[0], 200, headers);
    else if (JSON.parse(request.body).stream) replyStream(outgoing, answer("a", "b"), { headers });
    else reply(outgoing, COMPLETION, 200, headers);
  });

suite("a call", () => {
  test("is a promise, kept once, whatever is asked of it", async (t) => {
    const server = await serve(t);
    const call = ask(clientOf(server));
    assert.ok(call instanceof Promise);
    assert.equal(await call, await call);
    assert.equal(await call.then((value) => value), await call);
    let last = 0;
    await call.finally(() => last++);
    assert.equal(last, 1);
    assert.deepEqual(await Promise.all([call, call.catch(() => {})]), [COMPLETION, COMPLETION]);
    assert.deepEqual(await Promise.race([call]), COMPLETION);
    assert.equal(server.requests.length, 1);
  });

  test("can be handed on by async functions, then() and catch() as any promise", async () => {
    const bad = () => ask(clientWith(async () => refusal(400)));
    assert.equal(await bad().catch(({ status }) => status), 400);
    assert.equal(await bad().then(() => "kept", ({ status }) => status), 400);
    assert.equal((await failure((async () => bad())())).status, 400);
    assert.equal((await failure(bad().finally(() => {}))).status, 400);
    assert.equal(await ask(clientWith(async () => jsonResponse())).then(({ id }) => id).then((id) => id.length), COMPLETION.id.length);
  });
});

suite("asResponse()", () => {
  test("is the response of the one request, its body unread", async (t) => {
    const server = await serve(t);
    const client = clientOf(server);
    const calls = { whole: () => ask(client), list: () => client.models.list(), model: () => client.models.retrieve("m"), generic: () => client.get("/models") };
    for (const [what, call] of Object.entries(calls)) {
      const response = await call().asResponse();
      assert.ok(response instanceof Response, what);
      assert.equal(response.status, 200);
      assert.equal(response.bodyUsed, false);
      assert.equal(response.headers.get("x-request-id"), "req_7");
      assert.deepEqual(await response.json(), { whole: COMPLETION, list: LIST, model: LIST.data[0], generic: LIST }[what]);
    }
    assert.equal(server.requests.length, 4);
  });

  test("is the events of a stream, as they come", async (t) => {
    const server = await serve(t);
    const response = await askStream(clientOf(server)).asResponse();
    assert.equal(response.headers.get("content-type"), "text/event-stream");
    assert.equal(await response.text(), sse(...answer("a", "b")));
    assert.equal(server.requests.length, 1);
  });

  test("is what a caller's fetch gave, whatever it is", async () => {
    const own = { status: 200, headers: new Headers(), json: async () => COMPLETION };
    assert.equal(await ask(clientWith(async () => own)).asResponse(), own);
    const other = jsonResponse();
    assert.equal(await ask(clientWith(() => other)).asResponse(), other);
  });

  test("is the last one where tries were repeated", async () => {
    let calls = 0;
    const client = clientWith(async () => (++calls < 3 ? refusal(500) : jsonResponse(COMPLETION, { headers: { "x-try": String(calls) } })), { maxRetries: 2 });
    const response = await ask(client).asResponse();
    assert.equal(response.headers.get("x-try"), "3");
    assert.equal(calls, 3);
  });

  test("gives the body whatever is in it: nothing is parsed", async () => {
    for (const body of ["{broken", "", "<html>", '{"error":{"message":"no"}}']) {
      const response = await ask(clientWith(async () => jsonResponse(body))).asResponse();
      assert.equal(await response.text(), body);
    }
    assert.equal((await ask(clientWith(async () => new Response(null, { status: 204 }))).asResponse()).status, 204);
  });

  test("rejects as the call does, and nothing else is left to be handled", async () => {
    const fetches = {
      BadRequestError: async () => refusal(400),
      InternalServerError: async () => refusal(500),
      APIConnectionError: async () => { throw new TypeError("fetch failed"); },
      APIConnectionTimeoutError: () => new Promise(() => {}),
    };
    for (const [name, fetch] of Object.entries(fetches)) {
      for (const call of [ask, askStream, (client) => client.models.list(), (client) => client.get("/x")]) {
        assert.equal((await failure(call(clientWith(fetch, { timeout: 20 })).asResponse())).name, name);
      }
    }
    assert.equal((await failure(ask(clientWith(async () => jsonResponse(), { apiKey: null })).asResponse())).kind, "missing_api_key");
    assert.equal((await failure(ask(clientWith(async () => jsonResponse()), {}).asResponse())).kind, "invalid_request");
    assert.equal((await failure(ask(clientWith(async () => new Response(null, { status: 307, headers: { location: "/" } }))).asResponse())).kind, "redirect");
    await sleep(5);
  });

  test("resolves with the raw 503 of a wrong model id, unread; the call itself is a 404", async (t) => {
    const error = { message: "No available channel for model x", type: "new_api_error" };
    const server = await listen(t, (_, outgoing) => reply(outgoing, { error }, 503, { ...ID, ...AT_ONCE }));
    for (const call of [ask, askStream]) {
      const response = await call(clientOf(server)).asResponse();
      assert.equal(response.status, 503);
      assert.equal(response.headers.get("x-request-id"), "req_7");
      assert.deepEqual(await response.json(), { error });
    }
    assert.equal(server.requests.length, 2, "it is not tried again");
    assert.equal((await failure(ask(clientOf(server)))).constructor, NotFoundError);
    // Any other 503 is an error, and tried again.
    const busy = clientWith(async () => refusal(503), { maxRetries: 1 });
    assert.equal((await failure(ask(busy).asResponse())).status, 503);
  });

  test("leaves the call itself usable where it is asked for late, and sends nothing again", async (t) => {
    const server = await serve(t);
    const call = ask(clientOf(server));
    assert.deepEqual(await call, COMPLETION);
    const response = await call.asResponse();
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("x-request-id"), "req_7");
    assert.equal(server.requests.length, 1);
  });

  test("lets a large body be read as it comes", async (t) => {
    const server = await listen(t, async (_, outgoing) => {
      outgoing.writeHead(200, JSON_TYPE).write('"first');
      await sleep(100);
      outgoing.end(' second"');
    });
    const response = await clientOf(server).get("/x").asResponse();
    const reader = response.body.getReader();
    assert.equal(Buffer.from((await reader.read()).value).toString(), '"first');
    assert.equal(Buffer.from((await reader.read()).value).toString(), ' second"');
  });

  test("lets the process end when the body has been read", async (t) => {
    const server = await serve(t);
    const { stdout } = await spawned(`
      const client = new chatmux.Chatmux({ apiKey: "sk-1234567890", baseURL: ${JSON.stringify(server.baseURL)} });
      const request = { model: "m", messages: [{ role: "user", content: "x" }] };
      const response = await client.chat.completions.create(request).asResponse();
      await response.text();
      await (await client.chat.completions.create({ ...request, stream: true }).asResponse()).text();
      await (await client.chat.completions.create({ ...request, stream: true }).asResponse()).body.cancel();
      await client.chat.completions.create(request).withResponse();
      console.log("end");`);
    assert.equal(stdout, "end\n");
  });
});

suite("the answer after asResponse()", () => {
  /** A client whose fetch counts, and the calls that it can make. */
  function counted(respond = () => jsonResponse(COMPLETION, { headers: ID })) {
    const seen = { calls: 0 };
    seen.client = clientWith(async (_, init) => (seen.calls++, init.body?.includes('"stream":true') ? streamResponse(answer("a", "b"), { headers: ID }) : respond()), { maxRetries: 2 });
    return seen;
  }
  const WHOLE = { "a chat": (client) => ask(client), "a generic request": (client) => client.get("/x"), "a list": (client) => client.models.list() };

  for (const [what, call] of Object.entries(WHOLE)) {
    test(`is read where the caller has left the body alone: ${what}`, async () => {
      const body = what === "a list" ? LIST : COMPLETION;
      const seen = counted(() => jsonResponse(body, { headers: ID }));
      const promise = call(seen.client);
      const response = await promise.asResponse();
      assert.equal(response.status, 200);
      const answered = await promise;
      assert.deepEqual(answered, body);
      assert.equal(answered._request_id, "req_7");
      assert.equal(await promise, answered, "read once");
      const whole = await promise.withResponse();
      assert.deepEqual([whole.data, whole.response, whole.request_id], [answered, response, "req_7"]);
      assert.equal(seen.calls, 1);
    });
  }

  test("is read by withResponse() as well", async () => {
    const seen = counted();
    const promise = ask(seen.client);
    const response = await promise.asResponse();
    const whole = await promise.withResponse();
    assert.deepEqual([whole.data, whole.response, whole.request_id], [COMPLETION, response, "req_7"]);
    assert.equal(seen.calls, 1);
  });

  test("is read from a server, whole and streamed, by the one request", async (t) => {
    const server = await serve(t);
    const whole = ask(clientOf(server));
    assert.equal((await whole.asResponse()).bodyUsed, false);
    assert.deepEqual(await whole, COMPLETION);
    const streamed = askStream(clientOf(server));
    assert.equal((await streamed.asResponse()).bodyUsed, false);
    const chunks = [];
    for await (const one of await streamed) chunks.push(one);
    assert.equal(textOf(chunks), "ab");
    assert.equal((await streamed).partial.choices[0].message.content, "ab");
    assert.equal(server.requests.length, 2);
  });

  test("is the stream where one was asked for, withResponse() too", async () => {
    const seen = counted();
    const promise = askStream(seen.client);
    const response = await promise.asResponse();
    const { data, response: same, request_id } = await promise.withResponse();
    assert.deepEqual([same, request_id], [response, "req_7"]);
    assert.equal(textOf(await collect(data)), "ab");
    assert.equal(seen.calls, 1);
  });

  test("leaves the body unread where asResponse() comes late and nobody has waited for the answer", async (t) => {
    const server = await serve(t);
    const expected = { whole: JSON.stringify(COMPLETION), stream: sse(...answer("a", "b")) };
    for (const [what, call] of [["whole", ask], ["stream", askStream]]) {
      const promise = call(clientOf(server));
      await until(() => server.requests.length === (what === "whole" ? 1 : 2), "the request has arrived");
      await sleep(50);
      const response = await promise.asResponse();
      assert.equal(response.bodyUsed, false);
      assert.equal(await response.text(), expected[what]);
    }
    assert.equal(server.requests.length, 2);
  });

  test("is an error, and no second request, where the caller has read the body", async () => {
    for (const call of [ask, askStream, (client) => client.get("/x")]) {
      const seen = counted();
      const promise = call(seen.client);
      await (await promise.asResponse()).text();
      for (const again of [() => promise, () => promise.withResponse()]) {
        const error = await settled(failure(again()));
        assert.ok(error instanceof ChatmuxError, String(error));
        assert.match(error.message, /asResponse/);
      }
      assert.equal(seen.calls, 1);
    }
  });

  test("is an error, and no hang, where the caller is reading the body or has let it go", async () => {
    const ways = [(response) => void response.body.getReader(), (response) => response.body.getReader().read(), (response) => response.body.cancel()];
    for (const call of [ask, askStream]) {
      for (const use of ways) {
        const seen = counted();
        const promise = call(seen.client);
        await use(await promise.asResponse());
        const error = await settled(failure(promise.then((one) => (call === askStream ? collect(one) : one))));
        assert.ok(error instanceof ChatmuxError, String(error));
        assert.equal(seen.calls, 1);
      }
    }
  });

  test("is what the answer would have been where that is an error", async () => {
    const seen = counted(() => jsonResponse('{"error":{"message":"no","code":429}}'));
    const promise = ask(seen.client);
    assert.equal((await promise.asResponse()).status, 200);
    assert.equal((await failure(promise)).name, "RateLimitError");
    assert.equal(seen.calls, 1);
    const cut = counted(() => jsonResponse("{broken"));
    const other = ask(cut.client);
    await other.asResponse();
    assert.equal((await failure(other)).kind, "malformed_response");
    assert.equal(cut.calls, 1);
  });
});

suite("withResponse()", () => {
  test("is the answer, the response and the id of the request", async (t) => {
    const server = await serve(t);
    const { data, response, request_id, ...more } = await ask(clientOf(server)).withResponse();
    assert.deepEqual(data, COMPLETION);
    assert.ok(response instanceof Response);
    assert.equal(response.headers.get("x-request-id"), "req_7");
    assert.equal(request_id, "req_7");
    assert.deepEqual(more, {});
    assert.equal(server.requests.length, 1);
  });

  test("is the same answer as that of the call", async () => {
    const call = ask(clientWith(async () => jsonResponse()));
    const [{ data }, same] = await Promise.all([call.withResponse(), call]);
    assert.equal(data, same);
  });

  test("is the stream, ready to be read", async (t) => {
    const server = await serve(t);
    const { data, response, request_id } = await askStream(clientOf(server)).withResponse();
    assert.equal(request_id, "req_7");
    assert.equal(response.status, 200);
    assert.equal(textOf(await collect(data)), "ab");
    assert.equal(server.requests.length, 1);
  });

  test("is there for lists, models and generic requests", async (t) => {
    const server = await serve(t);
    const client = clientOf(server);
    const { data } = await client.models.list().withResponse();
    assert.deepEqual(data.data, LIST.data);
    assert.deepEqual(await collect(data), LIST.data);
    assert.deepEqual((await client.models.retrieve("m").withResponse()).data, LIST.data[0]);
    assert.equal((await client.get("/models").withResponse()).request_id, "req_7");
    assert.equal(server.requests.length, 3);
  });

  test("has null for an id that was not sent", async (t) => {
    const server = await serve(t, {});
    assert.equal((await ask(clientOf(server)).withResponse()).request_id, null);
  });

  test("has the response of the last try", async () => {
    let calls = 0;
    const client = clientWith(async () => (++calls < 3 ? refusal(500) : jsonResponse(COMPLETION, { headers: { "x-request-id": `req_${calls}` } })), { maxRetries: 2 });
    assert.equal((await ask(client).withResponse()).request_id, "req_3");
  });

  test("rejects as the call does, and nothing else is left to be handled", async () => {
    for (const respond of [() => refusal(400), () => jsonResponse("{"), () => refusal(503, {}, "No available channel for model x")]) {
      for (const call of [ask, askStream]) {
        const error = await failure(call(clientWith(async () => respond())).withResponse());
        assert.ok(error instanceof APIError, String(error));
      }
    }
    await sleep(5);
  });
});

suite("_request_id", () => {
  const typed = {
    "a completion": [COMPLETION, (client) => ask(client)],
    "a list": [LIST, (client) => client.models.list()],
    "a model": [LIST.data[0], (client) => client.models.retrieve("m")],
    "a generic answer": [{ a: 1 }, (client) => client.get("/x")],
  };
  for (const [what, [body, call]] of Object.entries(typed)) {
    test(`is on ${what}, and does not show`, async () => {
      const answered = await call(clientWith(async () => jsonResponse(body, { headers: ID })));
      assert.equal(answered._request_id, "req_7");
      assert.equal(JSON.stringify(answered), JSON.stringify(body));
      assert.ok(!Object.keys(answered).includes("_request_id"));
      assert.ok(!inspect(answered).includes("_request_id"));
      assert.equal({ ...answered }._request_id, undefined);
      assert.equal(structuredClone(answered)._request_id, undefined);
      const bare = await call(clientWith(async () => jsonResponse(body)));
      assert.equal(bare._request_id, null);
    });
  }

  test("is what withResponse() says, and what errors call requestID", async () => {
    const { data, request_id } = await ask(clientWith(async () => jsonResponse(COMPLETION, { headers: ID }))).withResponse();
    assert.equal(data._request_id, request_id);
    const error = await failure(ask(clientWith(async () => jsonResponse({ error: {} }, { status: 400, headers: ID }))));
    assert.equal(error.requestID, "req_7");
  });

  test("is not on what is no object", async () => {
    for (const body of ["5", '"text"', "null", "true"]) {
      const answered = await clientWith(async () => jsonResponse(body, { headers: ID })).get("/x");
      assert.equal(answered, JSON.parse(body));
    }
    const items = await clientWith(async () => jsonResponse("[1,2]", { headers: ID })).get("/x");
    assert.deepEqual(items, [1, 2]);
    assert.equal(items._request_id, undefined);
  });

  test("does not stumble over a response without headers, or whose headers throw", async () => {
    const odd = [undefined, null, {}, { get() { throw new Error("no"); } }, { get: () => 5 }, new Map([["x-request-id", "req_7"]])];
    for (const headers of odd) {
      const answered = await ask(clientWith(async () => ({ status: 200, headers, text: async () => JSON.stringify(COMPLETION) })));
      assert.deepEqual(answered, COMPLETION);
    }
  });

  test("does not hide what a server sends under that name", async () => {
    const body = { _request_id: "mine", a: 1 };
    for (const call of [ask, (client) => client.get("/x")]) {
      const answered = await call(clientWith(async () => jsonResponse({ ...COMPLETION, ...body }, { headers: ID })));
      assert.deepEqual(answered, { ...COMPLETION, ...body });
    }
  });

  test("is not on an object that is frozen: that one is passed as it is", async () => {
    const frozen = Object.freeze({ ...COMPLETION });
    const response = { status: 200, headers: new Headers({ "content-type": "application/json", ...ID }), json: async () => frozen };
    for (const call of [ask, (client) => client.get("/x")]) assert.equal(await call(clientWith(async () => response)), frozen);
  });
});

test("a stream's raw response can be left, and the server sees it", async (t) => {
  const server = await listen(t, (_, outgoing) => replyStream(outgoing, [chunk("a")], { end: false }));
  const response = await askStream(clientOf(server), STREAMED).asResponse();
  await response.body.cancel();
  await settled(server.requests[0].closed);
  assert.equal(server.requests[0].socket.destroyed, true);
});

test("a refused connection rejects all three, with one error each", async () => {
  const client = clientOf({ baseURL: `${await deadURL()}/v1` }, { maxRetries: 1 });
  for (const call of [(one) => one, (one) => one.asResponse(), (one) => one.withResponse()]) {
    const error = await withoutPauses(() => failure(call(ask(client, REQUEST))));
    assert.equal(error.name, "APIConnectionError");
  }
  await sleep(5);
});
