import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { inspect } from "node:util";
import * as chatmux from "../../dist/entry/default.js";
import {
  answer, ask, askStream, chunk, clientOf, clientWith, collect, COMPLETION, failure, failureOfStream, forbidStrayRejections, jsonResponse, KEY, listen,
  listenRaw, reply, replyStream, settled, sse, streamResponse, textOf,
} from "./support.mjs";

forbidStrayRejections();

const { APIError, APIConnectionError, StreamTruncatedError } = chatmux;
const wholeOf = (response) => ask(clientWith(async () => response()));
const streamOf = (response) => askStream(clientWith(async () => response()));

suite("a 200 that is no success", () => {
  const said = [
    ["an error object", { error: { message: "no quota", type: "insufficient_quota", code: "insufficient_quota", param: null } }, "RateLimitError", 429],
    ["AIHubMix's error", { error: { message: "upstream is down", type: "Aihubmix_api_error" } }, "APIError", 200],
    ["an error with a status", { error: { message: "wrong key", code: 401 } }, "AuthenticationError", 401],
    ["an error with a status as text", { error: { message: "busy", code: "503" } }, "InternalServerError", 503],
    ["an error beside choices", { ...COMPLETION, error: { message: "half", type: "server_error" } }, "InternalServerError", 500],
    ["an error that is a text", { error: "just no" }, "APIError", 200],
    ["a wrong model id", { error: { message: "No available channel for model x" } }, "NotFoundError", 404],
  ];
  for (const [what, body, name, status] of said) {
    test(`3: but ${what} is a ${name}`, async () => {
      const headers = { "x-request-id": "req_2" };
      const errors = [
        await failure(wholeOf(() => jsonResponse(JSON.stringify(body, null, 2), { headers }))),
        await failure(streamOf(() => jsonResponse(body, { headers }))),
      ];
      for (const error of errors) {
        assert.equal(error.constructor, chatmux[name]);
        assert.equal(error.status, status);
        assert.equal(error.upstreamStatus, status === 200 ? undefined : 200);
        assert.equal(error.message, `${status} ${body.error.message ?? body.error}`);
        assert.equal(error.requestID, "req_2");
        if (typeof body.error === "object") assert.deepEqual(error.error, body.error);
      }
    });
  }

  test("3: but a list with an error, as Google writes it, is an error, whole and streamed", async () => {
    const body = '[{"error":{"code":429,"message":"quota","status":"RESOURCE_EXHAUSTED"}}]';
    for (const call of [wholeOf, streamOf]) {
      const error = await failure(call(() => jsonResponse(body)));
      assert.equal(error.name, "RateLimitError");
      assert.equal(error.message, "429 quota");
    }
  });

  test("3: but an error object where a stream was asked for is that error, whatever type it is said to be", async () => {
    const body = '{\n  "error": { "message": "no quota", "type": "insufficient_quota" }\n}\n';
    // Go's net/http calls JSON text/plain where nobody says otherwise.
    for (const type of ["application/json", "text/plain; charset=utf-8", "text/event-stream", undefined]) {
      const response = () => ({ status: 200, headers: new Headers(type && { "content-type": type }), body: new Response(body).body, text: async () => body });
      const { error } = await failureOfStream(streamOf(response));
      assert.equal(error.message, "429 no quota", `as ${type}`);
    }
  });

  test("3: is one where error says nothing", async () => {
    for (const nothing of [null, false, "", 0]) {
      const completion = { ...COMPLETION, error: nothing };
      assert.deepEqual(await wholeOf(() => jsonResponse(completion)), completion);
    }
  });

  const wrong = [
    ["malformed JSON", '{"id":"chatcmpl-1","choices":[{"message":{"content":"a secret text'],
    ["JSON and more", `${JSON.stringify(COMPLETION)} trailing secret`],
    ["blanks", " \n\t "],
    ["a text", '"secret"'],
    ["a number", "5"],
    ["null", "null"],
    ["true", "true"],
    ["a list", "[]"],
    ["a list of completions", JSON.stringify([COMPLETION])],
    ["a text that is no JSON", "secret: it works"],
    ["events", sse(...answer("secret"))],
  ];
  for (const [what, body] of wrong) {
    test(`E4: but ${what} is an error that says what to check and quotes nothing`, async () => {
      const error = await failure(wholeOf(() => jsonResponse(body, { headers: { "x-request-id": "req_3" } })));
      assert.equal(error.constructor, APIError);
      assert.equal(error.kind, "malformed_response");
      assert.equal(error.status, 200);
      assert.equal(error.requestID, "req_3");
      assert.match(error.message, /^200 The server answered with success, but/);
      assert.match(error.message, /`baseURL`/);
      assert.ok(!inspect(error, { depth: 10 }).includes("secret"), inspect(error));
    });
  }

  test("E4: is nothing where the body is empty, and null where the status says that there is none", async () => {
    assert.equal(await wholeOf(() => new Response("", { headers: { "content-type": "application/json" } })), undefined);
    assert.equal(await wholeOf(() => new Response(null, { status: 204 })), null);
  });

  test("but an HTML page is an error that says so", async () => {
    const page = () => new Response("<html>secret</html>", { headers: { "content-type": "text/html; charset=utf-8" } });
    for (const call of [wholeOf, streamOf]) {
      const error = await failure(call(page));
      assert.equal(error.kind, "malformed_response");
      assert.match(error.message, /`text\/html`/);
      assert.ok(!inspect(error, { depth: 10 }).includes("secret"));
    }
  });

  test("but a whole completion where a stream was asked for is an error that says so", async () => {
    const error = await failure(streamOf(() => jsonResponse()));
    assert.equal(error.kind, "malformed_response");
    assert.match(error.message, /`application\/json`, not an event stream/);
  });

  test("but an empty answer where a stream was asked for is an error", async () => {
    for (const response of [() => new Response(null, { status: 204 }), () => new Response(""), () => streamResponse("")]) {
      const { error } = await failureOfStream(streamOf(response));
      assert.ok(error instanceof APIError, String(error));
    }
  });

  test("but a body that is shorter than promised is a connection error", async (t) => {
    const server = await listenRaw(t, (socket) => {
      socket.once("data", () => socket.end('HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{"id":"secret'));
    });
    const error = await failure(ask(clientOf(server, { maxRetries: 0 })));
    assert.equal(error.constructor, APIConnectionError);
    assert.match(error.message, /while the answer was being read/);
    assert.ok(!error.message.includes("secret"));
  });
});

suite("a redirect", () => {
  for (const status of [301, 302, 303, 307, 308]) {
    test(`G8: ${status} to another origin is not followed, and the key goes nowhere else`, async (t) => {
      const trap = await listen(t, (_, outgoing) => reply(outgoing, COMPLETION));
      const server = await listen(t, (_, outgoing) => outgoing.writeHead(status, { location: `${trap.url}/v1/chat/completions?secret=1` }).end("moved"));
      const client = clientOf(server);
      for (const call of [() => ask(client), () => askStream(client), () => client.models.list(), () => client.models.catalogue()]) {
        const error = await failure(call());
        assert.equal(error.constructor, APIError);
        assert.equal(error.kind, "redirect");
        assert.equal(error.status, status);
        assert.ok(error.message.includes(`redirects to ${trap.url}`), error.message);
        assert.match(error.message, /`baseURL`/);
        assert.ok(!error.message.includes("secret"));
      }
      assert.equal(server.requests.length, 4, "it is not tried again");
      assert.equal(trap.sockets.size, 0);
    });
  }

  test("without an address, to the same origin, or hidden by a browser is one as well", async (t) => {
    for (const headers of [{}, { location: "/v2" }, { location: "//elsewhere.test/" }]) {
      const server = await listen(t, (_, outgoing) => outgoing.writeHead(302, headers).end());
      assert.equal((await failure(ask(clientOf(server)))).kind, "redirect");
      assert.equal(server.requests.length, 1);
    }
    const hidden = await failure(wholeOf(() => Response.error()));
    assert.equal(hidden.kind, "redirect");
    assert.equal(hidden.status, undefined);
  });
});

suite("a stream that goes wrong", () => {
  test("defect 4: because it ends in the middle is StreamTruncatedError, after its chunks", async (t) => {
    const server = await listen(t, (_, outgoing) => replyStream(outgoing, [chunk("a"), chunk("b")]));
    const { error, chunks } = await failureOfStream(askStream(clientOf(server)));
    assert.equal(error.constructor, StreamTruncatedError);
    assert.equal(error.kind, "stream_truncated");
    assert.equal(textOf(chunks), "ab");
  });

  test("because the connection breaks is StreamTruncatedError, with the reason", async (t) => {
    const server = await listen(t, (request, outgoing) => {
      replyStream(outgoing, [chunk("a")], { end: false });
      setTimeout(() => request.socket.destroy(), 20);
    });
    const { error, chunks } = await failureOfStream(askStream(clientOf(server)));
    assert.equal(error.constructor, StreamTruncatedError);
    assert.ok(error.cause instanceof Error);
    assert.equal(textOf(chunks), "a");
    assert.equal(server.requests.length, 1, "a stream that has begun is not tried again");
  });

  test("defect 4, S2: because it ends before it begins, in half an event, or with choices unfinished is StreamTruncatedError", async () => {
    const cut = [
      [], [": only a comment\n\n"],
      [sse(chunk("a")), `data: ${JSON.stringify(chunk(null, "stop"))}`], [sse(chunk("a")), "data: [DONE]"], [sse(chunk("a")), "data: [DONE]\n"],
      [sse({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }, { index: 1, delta: {} }] })],
      [sse({ choices: [{ index: 0, delta: {} }] }), sse({ choices: [{ index: 1, delta: {}, finish_reason: "stop" }] })],
      [sse({ choices: [], usage: {} })],
    ];
    for (const parts of cut) {
      const { error } = await failureOfStream(streamOf(() => streamResponse(parts.join(""))));
      assert.equal(error?.constructor, StreamTruncatedError, parts.join(""));
    }
  });

  const malformed = [
    "{broken secret", '{"choices":[]} secret', '"secret"', "[1,2]", "null", "5", "", "[DONE] secret", "{'a':'secret'}", '{"a":"secret\t"}',
    '{"a":01}', "undefined",
  ];
  for (const data of malformed) {
    test(`S5: because an event is ${JSON.stringify(data)} is told without what was in it`, async (t) => {
      const printed = [];
      for (const name of ["log", "info", "warn", "error", "debug"]) t.mock.method(console, name, (...args) => printed.push(args));
      const { error, chunks } = await failureOfStream(streamOf(() => streamResponse([chunk("a"), data, chunk("b")])));
      assert.equal(error.constructor, APIError);
      assert.equal(error.kind, "malformed_response");
      assert.equal(error.status, 200);
      assert.match(error.message, /not a JSON object/);
      for (const told of [error, error.message, error.stack, error.cause, printed]) {
        assert.ok(!inspect(told, { depth: 10, showHidden: true }).includes("secret"));
      }
      assert.deepEqual(printed, []);
      assert.equal(textOf(chunks), "a");
    });
  }

  const events = [
    ["an error member", sse({ error: { message: "boom", type: "server_error", code: "x", param: "p" } }), "InternalServerError", 500, "boom"],
    ["an error member with a status, beside choices", sse({ ...chunk("z", "error"), error: { code: 429, message: "slow down" } }), "RateLimitError", 429, "slow down"],
    ["an error member that is a text", sse({ error: "boom" }), "APIError", 200, "boom"],
    ["an event named error", 'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n', "InternalServerError", 503, "Overloaded"],
    ["an event named error with a plain object", 'event: error\ndata: {"message":"bad key","code":"invalid_api_key"}\n\n', "AuthenticationError", 401, "bad key"],
    ["an event named error with plain text", "event: error\ndata: went away\n\n", "APIError", 200, "went away"],
  ];
  for (const [what, event, name, status, message] of events) {
    test(`S4: because of ${what} is a ${name}, after the chunks before it`, async () => {
      const response = () => streamResponse(`${sse(chunk("a"), chunk("b"))}${event}${sse(...answer("late"))}`, { headers: { "x-request-id": "req_4" } });
      const { error, chunks } = await failureOfStream(streamOf(response));
      assert.equal(error.constructor, chatmux[name]);
      assert.equal(error.status, status);
      assert.equal(error.message, `${status} ${message}`);
      assert.equal(error.requestID, "req_4");
      assert.equal(textOf(chunks), "ab");
    });
  }

  test("ends: the same iterator gives nothing more", async () => {
    for (const events of [[chunk("a")], [chunk("a"), "{broken"], [chunk("a"), { error: { message: "boom" } }]]) {
      const iterator = (await streamOf(() => streamResponse(events)))[Symbol.asyncIterator]();
      await iterator.next();
      await failure(iterator.next());
      assert.deepEqual(await iterator.next(), { done: true, value: undefined });
    }
  });

  test("does not go wrong because of a comment, a ping, an empty choices or a newline first", async () => {
    const text = `: ping\n\n\n\nevent: ping\nretry: 10\nid: 1\n\n${sse({ choices: [] })}data:${JSON.stringify(chunk("\n"))}\n\n${sse(...answer("a"))}`;
    assert.equal(textOf(await collect(await streamOf(() => streamResponse(text)))), "\na");
  });
});

suite("an answer that is no HTTP", () => {
  const raw = {
    "an echo of the request": (socket) => socket.pipe(socket),
    "another protocol": (socket) => void socket.end("SSH-2.0-OpenSSH_9.6\r\n"),
    "half a header": (socket) => void socket.end("HTTP/1.1 200 OK\r\ncontent-ty"),
    "nothing": (socket) => void socket.end(),
    "a wrong chunk length": (socket) => void socket.end("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nZZ\r\n{}\r\n"),
    "two lengths": (socket) => void socket.end("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 5\r\n\r\n{}abc"),
    "a body that is said to be gzip": (socket) => void socket.end("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 9\r\n\r\nplaintext"),
  };
  for (const [what, respond] of Object.entries(raw)) {
    test(`but ${what} is a connection error, and shows no key`, async (t) => {
      const server = await listenRaw(t, (socket) => void socket.once("data", (data) => (socket.unshift(data), respond(socket))));
      for (const call of [ask, async (client) => collect(await askStream(client))]) {
        const error = await settled(failure(call(clientOf(server, { maxRetries: 0 }))));
        assert.ok(error instanceof APIConnectionError, String(error));
        assert.ok(!inspect(error, { depth: 20, showHidden: true }).includes(KEY), "the key is shown");
      }
    });
  }
});
