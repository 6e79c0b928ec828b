/** A server that means harm, or is merely broken: each of its answers is a right result or a typed error, in time. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { APIConnectionError, APIConnectionTimeoutError, APIError, ChatmuxError, StreamTimeoutError } from "../../dist/entry/default.js";
import {
  answer, ask, askStream, chunk, clientOf, clientWith, collect, COMPLETION, failure, forbidStrayRejections, listen, listenRaw, reply, replyStream,
  settled, sse, STREAMED,
} from "./support.mjs";

forbidStrayRejections();

const WHOLE = JSON.stringify(COMPLETION);
const STREAM = sse(...answer("Hi"));
const MODELS = '{"object":"list","data":[{"id":"m"}]}';
/** The calls that a server may answer, and what is right. */
const CALLS = {
  "a whole answer": async (client) => (await ask(client)).choices[0].message.content === "Hi",
  "a stream": async (client) => (await (await askStream(client)).text()) === "Hi",
  "a list of models": async (client) => (await client.models.list()).data.length === 1,
};
/** The right body for a request, as it came over the wire. */
const bodyFor = (request) => (request.startsWith("GET") ? [MODELS, "application/json"] : /"stream":true/.test(request) ? [STREAM, "text/event-stream"] : [WHOLE, "application/json"]);

/** A server that is handed each whole request, and answers with what it likes. */
const harmful = (t, respond) =>
  listenRaw(t, (socket) => {
    let text = "";
    socket.on("data", (data) => {
      text += data;
      const [head, body] = text.split("\r\n\r\n");
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      if (body === undefined || Buffer.byteLength(body) < length) return;
      const [right, type] = bodyFor(text);
      text = "";
      socket.wasAsked = true;
      respond(socket, right, type);
    });
  });
const head = (type, ...lines) => `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`;

/** Every call has an outcome of the allowed sort, soon. Returns the outcomes. */
async function outcomes(server, options = {}) {
  const seen = {};
  for (const [what, call] of Object.entries(CALLS)) {
    const client = clientOf(server, { maxRetries: 0, timeout: 1500, firstEventTimeout: 1500, idleTimeout: 1500, totalTimeout: 3000, ...options });
    const outcome = await settled(call(client).catch((error) => error), 6000);
    assert.notEqual(outcome, undefined, `${what} hangs`);
    assert.notEqual(outcome, false, `${what} is wrong`);
    assert.ok(outcome === true || outcome instanceof APIError, `${what}: ${outcome}`);
    seen[what] = outcome;
  }
  return seen;
}
/** The server sees the end of each request within a second. Node's fetch may open a connection for later, which is its own. */
async function assertClosed({ sockets }) {
  const isClosed = (socket) => socket.destroyed || new Promise((resolve) => socket.once("close", () => resolve(true)));
  for (const socket of sockets) if (socket.wasAsked) assert.ok(await settled(isClosed(socket), 1000), "the connection is closed");
}
const right = (seen) => Object.entries(seen).forEach(([what, outcome]) => assert.equal(outcome, true, `${what}: ${outcome}`));
const wrong = (seen, type = APIError) => Object.entries(seen).forEach(([what, outcome]) => assert.ok(outcome instanceof type, `${what}: ${outcome}`));

suite("a server that lies about lengths", { concurrency: 8 }, () => {
  const length = (text) => Buffer.byteLength(text);
  test("too short: what is past the length is no part of the answer", async (t) => {
    for (const less of [1, 10, 100]) {
      const server = await harmful(t, (socket, body, type) => socket.end(head(type, `content-length: ${length(body) - less}`) + body));
      const seen = await outcomes(server);
      // A stream without its last bytes may have had its finish reason; half a JSON text is never an answer.
      assert.ok(seen["a whole answer"] instanceof APIError);
      if (less < 100) assert.ok(seen["a list of models"] instanceof APIError);
    }
  });

  test("zero: a stream is cut, and a whole answer is empty, never half", async (t) => {
    const server = await harmful(t, (socket, body, type) => socket.end(head(type, "content-length: 0") + body));
    assert.ok((await failure(askStream(clientOf(server)).then(collect))) instanceof APIConnectionError);
    for (const call of [ask, (client) => client.models.list()]) {
      const outcome = await settled(call(clientOf(server, { maxRetries: 0 })).catch((error) => error));
      assert.ok(outcome === undefined || outcome instanceof APIError, String(outcome));
    }
  });

  test("too long, and then a close", async (t) => {
    for (const more of [1, 1000, 1e15]) {
      const server = await harmful(t, (socket, body, type) => socket.end(head(type, `content-length: ${length(body) + more}`) + body));
      const seen = await outcomes(server);
      assert.ok(seen["a whole answer"] instanceof APIConnectionError);
      // [DONE] is the end of a stream, whatever was promised.
      assert.equal(seen["a stream"], true);
    }
  });

  test("too long, and then nothing", async (t) => {
    const server = await harmful(t, (socket, body, type) => socket.write(head(type, `content-length: ${length(body) + 1}`) + body));
    const seen = await outcomes(server, { timeout: 200 });
    assert.ok(seen["a whole answer"] instanceof APIConnectionTimeoutError);
    assert.equal(seen["a stream"], true);
  });

  test("negative, no number, twice, or beside chunks", async (t) => {
    const lengths = [["content-length: -1"], ["content-length: abc"], ["content-length: 5", "content-length: 6"], ["content-length: 0x10"], ["content-length: 99999999999999999999999"]];
    for (const lines of lengths) {
      await outcomes(await harmful(t, (socket, body, type) => socket.end(head(type, ...lines) + body)));
    }
    await outcomes(await harmful(t, (socket, body, type) => socket.end(`${head(type, "content-length: 5", "transfer-encoding: chunked")}5\r\n${body}`)));
  });

  test("of chunks", async (t) => {
    const chunked = (socket, type, body) => socket.end(head(type, "transfer-encoding: chunked") + body);
    for (const size of ["FFFFFFFFFFFFFFFFFF", "-1", "1", "ffffff", ""]) {
      const seen = await outcomes(await harmful(t, (socket, body, type) => chunked(socket, type, `${size}\r\n${body}\r\n0\r\n\r\n`)));
      assert.ok(seen["a whole answer"] instanceof APIError, size);
    }
    // One byte each, with extensions and a trailer: odd, but right.
    const spread = (body) => `${Array.from(Buffer.from(body), (byte) => `1;x=y\r\n${String.fromCharCode(byte)}\r\n`).join("")}0\r\nx-trailer: 1\r\n\r\n`;
    right(await outcomes(await harmful(t, (socket, body, type) => chunked(socket, type, spread(body)))));
  });
});

suite("a server that repeats its headers", { concurrency: 8 }, () => {
  const repeated = {
    "the media type": ["content-type: text/html", "content-type: application/json"],
    "x-request-id": ["x-request-id: a", "x-request-id: b"],
    "set-cookie, a hundred times": Array.from({ length: 100 }, (_, n) => `set-cookie: a${n}=b`),
    "connection": ["connection: close", "connection: keep-alive", "connection: upgrade"],
    "location": ["location: http://127.0.0.1:1/", "location: /x"],
    "x-should-retry": ["x-should-retry: true", "x-should-retry: false"],
    "content-encoding": ["content-encoding: identity", "content-encoding: identity"],
  };
  for (const [what, lines] of Object.entries(repeated)) {
    test(`is answered soon and right, or with a typed error: ${what}`, async (t) => {
      const seen = await outcomes(await harmful(t, (socket, body, type) => socket.end(head(type, ...lines) + body)));
      if (!/media|encoding/.test(what)) right(seen);
    });
  }

  test("of retries does not retry more than it may", async (t) => {
    let requests = 0;
    const lines = ["retry-after-ms: 0", "retry-after-ms: 0", "retry-after: 0", "retry-after: -5", "x-should-retry: true", "x-should-retry: true", "connection: close"];
    const server = await harmful(t, (socket) => {
      requests++;
      socket.end(`HTTP/1.1 500 No\r\n${lines.join("\r\n")}\r\ncontent-length: 0\r\n\r\n`);
    });
    // Of two numbers for one pause the first counts.
    const error = await settled(failure(ask(clientOf(server, { maxRetries: 1 }))), 6000);
    assert.equal(error?.status, 500);
    assert.equal(requests, 2);
  });

  test("too many of them, or too long ones", async (t) => {
    for (const lines of [[`x-long: ${"x".repeat(1 << 20)}`], Array.from({ length: 20_000 }, (_, n) => `x-${n}: y`)]) {
      await outcomes(await harmful(t, (socket, body, type) => socket.end(head(type, ...lines) + body)));
    }
  });
});

suite("a server that stalls", { concurrency: 8 }, () => {
  const options = { timeout: 200 };
  test("before its headers, in the middle of them", async (t) => {
    for (const said of ["", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\ncontent-type: te"]) {
      const server = await harmful(t, (socket) => void socket.write(said));
      wrong(await outcomes(server, options), APIConnectionTimeoutError);
      await assertClosed(server);
    }
  });

  test("with 100 Continue and 103 Early Hints, again and again", async (t) => {
    const server = await harmful(t, async (socket) => {
      while (!socket.destroyed) {
        socket.write("HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n");
        await sleep(20);
      }
    });
    wrong(await outcomes(server, options));
  });

  test("after its headers, and in the middle of the body", async (t) => {
    for (const share of [0, 0.5, 0.9]) {
      const server = await harmful(t, (socket, body, type) => socket.write(head(type, "content-length: 100000") + body.slice(0, body.length * share)));
      const seen = await outcomes(server, { ...options, firstEventTimeout: undefined, idleTimeout: undefined });
      wrong(seen, APIConnectionTimeoutError);
      assert.ok(seen["a stream"] instanceof StreamTimeoutError);
      await assertClosed(server);
    }
  });
});

suite("a server that drips", { concurrency: 8 }, () => {
  const drip = (pause) => async (socket, body, type) => {
    for (const byte of Buffer.from(head(type, `content-length: ${Buffer.byteLength(body)}`) + body)) {
      if (socket.destroyed) return;
      socket.write(Uint8Array.of(byte));
      if (pause) await sleep(pause);
    }
    socket.end();
  };

  test("one byte each 50 ms is given up in time", async (t) => {
    const seen = await outcomes(await harmful(t, drip(50)), { timeout: 400 });
    wrong(seen, APIConnectionTimeoutError);
  });

  test("one byte after the other is answered right, when there is time", async (t) => {
    right(await outcomes(await harmful(t, drip(0))));
  });

  test("the body alone: neither a whole answer nor a line that grows counts as alive", async (t) => {
    const slow = async (socket, body, type) => {
      socket.write(head(type));
      while (!socket.destroyed) {
        socket.write("x");
        await sleep(50);
      }
    };
    wrong(await outcomes(await harmful(t, slow), { timeout: 300, firstEventTimeout: undefined, idleTimeout: 300 }), APIConnectionTimeoutError);
  });

  test("an event now and then: `totalTimeout` ends it, with what had arrived", async (t) => {
    const server = await listen(t, async (_, outgoing) => {
      replyStream(outgoing, [], { end: false });
      while (!outgoing.destroyed) {
        outgoing.write(sse(chunk("x")));
        await sleep(50);
      }
    });
    const error = await settled(failure(askStream(clientOf(server, { totalTimeout: 300 })).then(collect)), 5000);
    assert.equal(error?.constructor, StreamTimeoutError);
    assert.match(error.partial.choices[0].message.content, /^x+$/);
  });
});

suite("G28: the number of requests is at most one and the retries", { concurrency: 8 }, () => {
  const again = { "retry-after-ms": "0" };
  const busy = (status) => new Response("busy", { status, headers: again });
  const ways = {
    "a status": async () => busy(500),
    "many statuses": async (n) => busy([408, 409, 429, 500, 502, 503, 504, 529][n % 8]),
    "x-should-retry": async () => new Response("no", { status: 400, headers: { ...again, "x-should-retry": "true" } }),
    "a 200 with an error": async () => Response.json({ error: { message: "busy", type: "server_error" } }, { headers: again }),
    "a 503 of no channel": async () => Response.json({ error: { message: "No available channel for model m" } }, { status: 503, headers: again }),
    "malformed JSON": async () => new Response("{", { headers: { "content-type": "application/json", ...again } }),
    "a redirect": async () => new Response(null, { status: 307, headers: { location: "/", ...again } }),
    "a body that breaks": async () =>
      new Response(new ReadableStream({ pull: (controller) => controller.error(new TypeError("terminated")) }), { status: 500, headers: again }),
    "a stream that breaks": async () => new Response(sse(chunk("a")), { headers: { "content-type": "text/event-stream", ...again } }),
  };
  for (const [what, respond] of Object.entries(ways)) {
    test(`of ${what}`, async () => {
      for (const maxRetries of [0, 1, 2, 7]) {
        for (const call of [ask, (client) => askStream(client).then(collect), (client) => client.models.list()]) {
          let requests = 0;
          const error = await settled(failure(call(clientWith(() => respond(requests++), { maxRetries }))));
          assert.ok(error instanceof ChatmuxError, String(error));
          assert.ok(requests >= 1 && requests <= 1 + maxRetries, `${requests} requests with maxRetries ${maxRetries}`);
          if (what === "a stream that breaks" && call !== ask && error.kind === "stream_truncated") assert.equal(requests, 1);
        }
      }
    });
  }

  test("of calls at the same time: each has its own", async (t) => {
    const server = await listen(t, (_, outgoing) => reply(outgoing, "busy", 429, again));
    const client = clientOf(server, { maxRetries: 2 });
    const errors = await Promise.all(Array.from({ length: 20 }, (_, n) => failure(n % 2 ? ask(client) : askStream(client))));
    assert.ok(errors.every(({ status }) => status === 429));
    assert.equal(server.requests.length, 60);
  });

  test("of a connection that fails and of a timeout", async () => {
    for (const fetch of [async () => { throw new TypeError("fetch failed"); }, () => new Promise(() => {})]) {
      for (const body of [undefined, STREAMED]) {
        let requests = 0;
        const client = clientWith(() => (requests++, fetch()), { maxRetries: 1, timeout: 20 });
        await settled(failure(ask(client, body)), 5000);
        assert.equal(requests, 2);
      }
    }
  });
});
