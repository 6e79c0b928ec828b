import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { inspect } from "node:util";
import { ChatmuxError } from "../../dist/entry/default.js";
import {
  ask, askStream, chunk, clientOf, clientWith, collect, COMPLETION, deadURL, EVENT_STREAM, failure, forbidStrayRejections, JSON_TYPE, jsonResponse,
  listen, listenRaw, reply, replyStream, REQUEST, sse, STREAMED,
} from "./support.mjs";

forbidStrayRejections();

const CANARY = "sk-canary-1234567890";

/** Everything that a program may print of an error. The response's headers are the server's own and are left out. */
function shown(error) {
  const { headers } = error;
  const hidden = headers && [...headers.values()].some((value) => value.includes(CANARY));
  return [
    error.message,
    error.stack,
    String(error),
    JSON.stringify(error),
    JSON.stringify({ ...error, headers: undefined }),
    JSON.stringify(error, Object.getOwnPropertyNames(error)),
    hidden ? "" : inspect(error, { depth: 20, showHidden: true, maxStringLength: null }),
    inspect(error.error, { depth: 20 }),
    inspect(error.cause, { depth: 20, showHidden: true, maxStringLength: null }),
  ].join("\n");
}

/** Fails when the key, or as much of it as would let somebody guess the rest, is to be seen. */
function assertHidden(error, what = "") {
  assert.ok(error instanceof ChatmuxError, String(error));
  const text = shown(error);
  const at = text.indexOf(CANARY.slice(0, 12));
  assert.equal(at, -1, `${what} shows the key: …${text.slice(Math.max(0, at - 80), at + 40)}…`);
}

/** Servers that repeat the key in every way they can, each for one kind of error. */
const ECHOES = {
  "an error message": ({ authorization }, out) => reply(out, { error: { message: `Incorrect API key provided: ${authorization}` } }, 401),
  "every field of an error": ({ authorization }, out) => {
    const deep = [{ [authorization]: authorization }];
    reply(out, { error: { message: authorization, code: authorization, param: authorization, type: authorization, deep } }, 400);
  },
  "an error text": ({ authorization }, out) => reply(out, `bad key ${authorization}`, 401),
  "an error text that is cut where the key stands": ({ authorization }, out) => reply(out, `${"x".repeat(500 - 7 - 19)}${authorization} more`, 400),
  "the title of an error page": ({ authorization }, out) => reply(out, `<html><title>${authorization}</title></html>`, 500, { "content-type": "text/html" }),
  "an error that is a text": ({ authorization }, out) => reply(out, { error: authorization }, 403),
  "an error without a message": ({ authorization }, out) => reply(out, { error: { key: authorization } }, 400),
  "an error under 200": ({ authorization }, out) => reply(out, { error: { message: authorization, type: authorization } }),
  "JSON that is malformed": ({ authorization }, out) => reply(out, `${authorization} {"id":"${authorization}`),
  "JSON that is no object": ({ authorization }, out) => reply(out, JSON.stringify(authorization)),
  "a page under 200": ({ authorization }, out) => reply(out, `<html>${authorization}</html>`, 200, { "content-type": "text/html" }),
  "a media type": ({ authorization }, out) => reply(out, "{", 200, { "content-type": authorization.replace(" ", "/") }),
  "a redirect": ({ authorization }, out) => out.writeHead(307, { location: `http://127.0.0.1:1/?key=${encodeURIComponent(authorization)}` }).end(authorization),
  "a redirect's host": (_, out) => out.writeHead(307, { location: `http://${CANARY}.test/` }).end(),
  "JSON escapes": (_, out) => {
    const escaped = [...CANARY].map((character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");
    reply(out, `{"error":{"message":"${escaped}","code":"${escaped}","key":"${escaped}"}}`, 401);
  },
};

const STREAM_ECHOES = {
  "an error event": ({ authorization }, out) => replyStream(out, [chunk("a"), { error: { message: authorization, code: authorization, x: [authorization] } }]),
  "an event named error": ({ authorization }, out) => {
    out.writeHead(200, EVENT_STREAM).end(`${sse(chunk("a"))}event: error\ndata: ${authorization}\n\n`);
  },
  "a malformed event": ({ authorization }, out) => replyStream(out, [chunk("a"), `{"${authorization}`]),
  "a stream that is cut": ({ authorization }, out) => replyStream(out, [chunk(authorization)]),
  "JSON where a stream was asked for": ({ authorization }, out) => reply(out, { error: { message: authorization } }),
};

const WAYS = {
  "as a text": { client: { apiKey: CANARY } },
  "as an async function": { client: { apiKey: async () => `${CANARY}\n` } },
};

for (const [way, { client: options }] of Object.entries(WAYS)) {
  suite(`a key that is given ${way} is not shown`, () => {
    for (const [what, respond] of Object.entries(ECHOES)) {
      test(`when the server repeats it in ${what}`, async (t) => {
        const server = await listen(t, ({ headers }, outgoing) => respond(headers, outgoing));
        const client = clientOf(server, { ...options, maxRetries: 0 });
        assertHidden(await failure(ask(client)), "a whole call");
        assertHidden(await failure(askStream(client).then(collect)), "a streamed call");
        assertHidden(await failure(client.models.list()), "a list of models");
        assert.ok(server.requests.every(({ headers }) => headers.authorization === `Bearer ${CANARY}`));
      });
    }

    for (const [what, respond] of Object.entries(STREAM_ECHOES)) {
      test(`when a stream repeats it in ${what}`, async (t) => {
        const server = await listen(t, ({ headers }, outgoing) => respond(headers, outgoing));
        assertHidden(await failure(askStream(clientOf(server, options)).then(collect)));
      });
    }

    test("when nothing can be sent, nobody answers, or nobody is there", async (t) => {
      const silent = await listen(t, () => {});
      const dead = { baseURL: `${await deadURL()}/v1` };
      const errors = [
        await failure(ask(clientOf(dead, { ...options, maxRetries: 0 }))),
        await failure(ask(clientOf({ baseURL: "http://does-not-exist.invalid/v1" }, { ...options, maxRetries: 0 }))),
        await failure(ask(clientOf(silent, { ...options, timeout: 20, maxRetries: 0 }))),
        await failure(ask(clientOf(silent, options), REQUEST, { signal: AbortSignal.abort() })),
        await failure(ask(clientOf(silent, options), { model: "m" })),
        await failure(ask(clientOf(silent, options), null)),
        await failure(ask(clientOf(silent, options), REQUEST, { headers: { "x-a": "\n" } })),
        await failure(ask(clientOf(silent, options), STREAMED, { timeout: -1 })),
        await failure(clientOf({ baseURL: "http://provider.test/x" }, options).models.catalogue()),
      ];
      for (const error of errors) assertHidden(error, error.message);
    });

    test("when the server echoes the whole request", async (t) => {
      const server = await listenRaw(t, (socket) => socket.pipe(socket));
      assertHidden(await failure(ask(clientOf(server, { ...options, maxRetries: 0 }))));
    });

    test("when the connection is lost in the middle", async (t) => {
      const server = await listen(t, (request, outgoing) => {
        outgoing.writeHead(200, { ...JSON_TYPE, "content-length": "1000" }).write(`{"id":"${request.headers.authorization}`);
        setTimeout(() => request.socket.destroy(), 20);
      });
      assertHidden(await failure(ask(clientOf(server, { ...options, maxRetries: 0 }))));
    });
  });
}

suite("a key that is given as a header is not shown", () => {
  const headers = {
    "authorization of the client": { defaultHeaders: { authorization: `Bearer ${CANARY}` }, apiKey: null },
    "x-api-key of the client": { defaultHeaders: { "x-api-key": CANARY }, apiKey: null },
    "api-key of the client": { defaultHeaders: new Headers({ "api-key": CANARY }), apiKey: "sk-other-0000000" },
  };
  for (const [what, options] of Object.entries(headers)) {
    test(`when it is ${what} and the server repeats it`, async (t) => {
      const server = await listen(t, (request, outgoing) => {
        const { authorization, "x-api-key": x, "api-key": azure } = request.headers;
        reply(outgoing, { error: { message: `wrong key: ${authorization} ${x} ${azure}` } }, 401);
      });
      assertHidden(await failure(ask(clientOf(server, options))));
    });
  }

  test("when it is authorization of the call and the server repeats it", async (t) => {
    const server = await listen(t, (request, outgoing) => reply(outgoing, { error: { message: request.headers.authorization } }, 401));
    assertHidden(await failure(ask(clientOf(server), REQUEST, { headers: { authorization: `Bearer ${CANARY}` } })));
  });
});

suite("what else holds a key", () => {
  test("the query of a URL that Deno's fetch quotes does not show it", async () => {
    const fetch = async (url) => { throw new TypeError(`error sending request for url (${url}): client error (Connect): refused`); };
    const options = { defaultQuery: { key: "SEKRET" } };
    for (const call of [ask, askStream, (client) => client.models.list(), (client) => client.get("/x", { query: { token: "SEKRET" } })]) {
      const error = await failure(call(clientWith(fetch, options)));
      assert.equal(error.name, "APIConnectionError");
      assert.match(error.message, /client error \(Connect\)/);
      assert.ok(!error.message.includes("SEKRET"), error.message);
    }
  });

  test("a stream does not show it", async (t) => {
    const server = await listen(t, (_, outgoing) => replyStream(outgoing, [chunk("a", "stop"), "[DONE]"]));
    const stream = await askStream(clientOf(server, { apiKey: CANARY }));
    assert.ok(!inspect(stream, { depth: 20, showHidden: true }).includes(CANARY));
    await collect(stream);
  });

  test("nothing is printed, whatever happens", async (t) => {
    const printed = [];
    for (const name of ["log", "info", "warn", "error", "debug"]) t.mock.method(console, name, (...args) => printed.push([name, ...args]));
    const server = await listen(t, (request, outgoing) => {
      if (JSON.parse(request.body).stream) replyStream(outgoing, [chunk("a"), "{broken"]);
      else reply(outgoing, COMPLETION, JSON.parse(request.body).fail ? 500 : 200, { "retry-after-ms": "0" });
    });
    await ask(clientOf(server));
    await failure(ask(clientOf(server), { ...REQUEST, fail: true }));
    await failure(askStream(clientOf(server)).then(collect));
    assert.deepEqual(printed, []);
  });

  test("a short key is not blotted out of every word", async () => {
    const fetch = async () => jsonResponse({ error: { message: "a demo of a message" } }, { status: 400 });
    const error = await failure(ask(clientWith(fetch, { apiKey: "demo" })));
    assert.equal(error.message, "400 a demo of a message");
  });
});
