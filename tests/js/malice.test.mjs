/** Values that are meant to trip who reads them: names of prototypes, indexes, depth, half texts, bytes that are no text. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Chatmux, ChatmuxError } from "../../dist/entry/default.js";
import { memoryBytes } from "../../dist/wasm.js";
import { bodyOf, bytesOf, chunkText, openBody, openEvents } from "./streams.mjs";
import {
  answer, ask, askStream, clientWith, collect, COMPLETION, failure, forbidStrayRejections, jsonResponse, KEY, listen, reply, REQUEST, settled, sse,
  STREAMED, streamResponse, textOf,
} from "./support.mjs";

forbidStrayRejections();

/** The instance of the wasm goes on working. */
async function stillWorks() {
  assert.deepEqual(await ask(clientWith(async () => jsonResponse())), COMPLETION);
  assert.equal(textOf(await collect(await askStream(clientWith(async () => streamResponse(answer("ok")))))), "ok");
}
const callOf = (more, fn = {}) => chunkText({ tool_calls: [{ index: 0, id: "call_1", type: "function", ...more, function: { name: "f", arguments: "{}", ...fn } }] });

suite("G13: depth in what is sent", () => {
  const lists = (depth) => {
    let value = [];
    for (let level = 1; level < depth; level++) value = [value];
    return value;
  };
  const objects = (depth) => {
    let value = {};
    for (let level = 1; level < depth; level++) value = { a: value };
    return value;
  };

  for (const depth of [127, 128, 129, 10_000, 1_000_000]) {
    test(`of ${depth} levels is sent as it is, or is a typed error, and the next call works`, async () => {
      for (const deep of [lists(depth), objects(depth)]) {
        for (const body of [
          { ...REQUEST, x: deep },
          { ...REQUEST, extra_body: { x: deep } },
          { ...REQUEST, tools: [{ type: "function", function: { name: "f", parameters: deep } }] },
          { ...REQUEST, messages: [{ role: "user", content: deep }] },
          { ...REQUEST, response_format: { type: "json_schema", json_schema: { name: "s", schema: deep } } },
          deep,
        ]) {
          const sent = [];
          const client = clientWith(async (_, init) => (sent.push(init.body), jsonResponse()));
          for (const call of [ask, (one, request) => askStream(one, Array.isArray(request) ? request : { ...request, stream: true })]) {
            const outcome = await settled((async () => call(client, body))().then(() => "answered", (error) => error));
            assert.ok(outcome === "answered" || outcome instanceof ChatmuxError, `${outcome}`);
          }
          if (depth < 130 && body !== deep) assert.ok(sent.every((text) => text.includes("[[[[") || text.includes('{"a":{"a":')));
        }
      }
      await stillWorks();
    });
  }

  test("in the arguments of a tool call is text, and stays it", async () => {
    for (const depth of [127, 129, 10_000, 1_000_000]) {
      const text = "[".repeat(depth);
      const stream = await openEvents([callOf({}, { arguments: text }), chunkText({}, {}, { finish_reason: "tool_calls" })], 1 << 16);
      await collect(stream);
      assert.ok(stream.partial.choices[0].message.tool_calls[0].function.arguments === text);
    }
    await stillWorks();
  });

  test("in a cycle is a typed error of the call", async () => {
    const cycle = { ...REQUEST };
    cycle.self = cycle;
    const error = await failure(ask(clientWith(async () => jsonResponse()), cycle));
    assert.ok(error instanceof ChatmuxError, String(error));
  });
});

suite("G14: names of prototypes", () => {
  const NAMES = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "__defineGetter__", "valueOf", "then", "toJSON"];
  const own = (name, value) => JSON.parse(`{${JSON.stringify(name)}:${JSON.stringify(value)}}`);
  const EVIL = { polluted: true, isAdmin: true, authorization: "Bearer evil", baseURL: "http://evil.test" };
  const BEFORE = [Object.prototype, Array.prototype, Function.prototype, Headers.prototype].map((it) => Reflect.ownKeys(it).map(String).join());
  const unchanged = () => {
    assert.deepEqual([Object.prototype, Array.prototype, Function.prototype, Headers.prototype].map((it) => Reflect.ownKeys(it).map(String).join()), BEFORE);
    assert.equal({}.polluted, undefined);
    assert.equal([].polluted, undefined);
  };

  test("as tools, arguments, ids, roles and members of deltas are texts in chunks and in the completion", async () => {
    for (const name of NAMES) {
      const events = [
        callOf({ id: name }, { name, arguments: JSON.stringify(own(name, EVIL)) }),
        chunkText({ role: name, [`${name}`]: undefined }),
        JSON.stringify({ choices: [{ index: 0, delta: own(name, EVIL) }] }),
        JSON.stringify({ choices: [{ index: 0, delta: own(name, "text") }] }),
        JSON.stringify({ choices: [{ index: 0, delta: own(name, ["list"]), ...own(name, 1) }], ...own(name, EVIL) }),
        chunkText({}, {}, { finish_reason: "tool_calls" }),
      ];
      for (const size of [7, Infinity]) {
        const stream = await openEvents(events, size);
        const chunks = await collect(stream);
        assert.equal(chunks.length, events.length);
        for (const one of chunks) assert.equal(Object.getPrototypeOf(one), Object.prototype);
        const { message } = stream.partial.choices[0];
        assert.deepEqual(message.tool_calls, [{ id: name, type: "function", function: { name, arguments: JSON.stringify(own(name, EVIL)) } }]);
        assert.equal(Object.getPrototypeOf(stream.partial), Object.prototype);
        assert.equal(Object.getPrototypeOf(message), Object.prototype);
        unchanged();
      }
      const whole = { ...COMPLETION, ...own(name, EVIL) };
      const got = await ask(clientWith(async () => jsonResponse(JSON.stringify({ ...COMPLETION, x: 1 }).replace('"x":1', `${JSON.stringify(name)}:{"polluted":true}`))));
      assert.ok(Object.hasOwn(got, name), `${name} of a whole answer`);
      assert.ok(Object.keys(whole).length);
      unchanged();
    }
  });

  test("in an error change nothing of it", async () => {
    for (const name of NAMES) {
      const body = JSON.stringify({ error: { message: "no", code: name, x: 1 } }).replace('"x":1', `${JSON.stringify(name)}:{"status":200,"polluted":true}`);
      const error = await failure(ask(clientWith(async () => jsonResponse(body, { status: 400 }))));
      assert.deepEqual([error.name, error.status, error.code, error.message, error.polluted], ["BadRequestError", 400, name, "400 no", undefined]);
      assert.equal(Object.getPrototypeOf(error.error), Object.prototype);
      unchanged();
    }
  });

  test("in a request are sent as members of their own, and change no option", async () => {
    for (const name of NAMES.filter((one) => one !== "toJSON" && one !== "then")) {
      let sent;
      const client = clientWith(async (url, init) => ((sent = { url, ...init }), jsonResponse()));
      await ask(client, { ...REQUEST, metadata: own(name, "x"), messages: [{ role: "user", content: "x", name }] });
      assert.ok(Object.hasOwn(JSON.parse(sent.body).metadata, name), name);
      await ask(client, Object.assign(own(name, EVIL), REQUEST)).catch((error) => assert.ok(error instanceof ChatmuxError));
      await ask(client, { ...REQUEST, extra_body: own(name, EVIL) }).catch((error) => assert.ok(error instanceof ChatmuxError));
      assert.equal(new URL(sent.url).host, "provider.test");
      assert.equal(sent.headers.get("authorization"), `Bearer ${KEY}`);
      unchanged();
    }
  });

  test("in options, headers and queries of a client and of a call change nothing but themselves", async () => {
    for (const name of NAMES) {
      let sent;
      const fetch = async (url, init) => ((sent = { url, ...init }), jsonResponse());
      const base = { apiKey: KEY, baseURL: "http://provider.test/v1", fetch, maxRetries: 0 };
      const clients = [
        () => new Chatmux(Object.assign(own(name, EVIL), base)),
        () => new Chatmux({ ...base, defaultHeaders: own(name, "x") }),
        () => new Chatmux({ ...base, defaultQuery: own(name, "x") }),
      ];
      for (const make of clients) {
        for (const options of [undefined, own(name, EVIL), { headers: own(name, "x") }, { query: own(name, "x") }]) {
          sent = undefined;
          const outcome = await (async () => ask(make(), REQUEST, options))().then(() => "answered", (error) => error);
          assert.ok(outcome === "answered" || outcome instanceof ChatmuxError, `${name}: ${outcome}`);
          if (outcome !== "answered") continue;
          assert.equal(new URL(sent.url).host, "provider.test");
          assert.equal(sent.headers.get("authorization"), `Bearer ${KEY}`);
        }
      }
      unchanged();
    }
  });

  test("that a program has polluted by itself do not reach the request", async (t) => {
    let sent;
    const client = clientWith(async (url, init) => ((sent = { url, ...init }), jsonResponse()));
    const polluted = { baseURL: "http://evil.test", query: { evil: "1" }, headers: { evil: "1" } };
    t.after(() => Object.keys(polluted).forEach((name) => delete Object.prototype[name]));
    for (const [name, value] of Object.entries(polluted)) Object.defineProperty(Object.prototype, name, { value, configurable: true, writable: true, enumerable: false });
    const outcome = await ask(client).then(() => "answered", (error) => error);
    for (const name of Object.keys(polluted)) delete Object.prototype[name];
    assert.equal(outcome, "answered");
    assert.equal(new URL(sent.url).host, "provider.test");
  });
});

suite("G15: an index that is none", () => {
  const BAD = ["4294967295", "4294967296", "2147483648", "-1", "1.5", '"0"', "128", "1e9", "{}", "true", "-2147483649", "1e400"];

  for (const where of ["a choice", "a tool call"]) {
    test(`of ${where} is a typed error where it would be used, and memory is flat`, async () => {
      await stillWorks();
      const before = memoryBytes().length;
      for (const index of BAD) {
        for (const good of [[], [callOf({})]]) {
          const event = where === "a choice"
            ? `{"choices":[{"index":${index},"delta":{"content":"x"}}]}`
            : `{"choices":[{"index":0,"delta":{"tool_calls":[{"index":${index},"id":"call_2","type":"function","function":{"name":"g","arguments":"{}"}}]}}]}`;
          const stream = await openEvents([...good, event], Infinity);
          const error = await failure(collect(stream));
          assert.ok(error instanceof ChatmuxError, `${index}: ${error}`);
          assert.equal(error.kind, "malformed_response", index);
          assert.ok(JSON.stringify(stream.partial ?? null).length < 1000);
          assert.ok((stream.partial?.choices.length ?? 0) <= 1);
        }
      }
      assert.ok(memoryBytes().length - before <= 1 << 20, "memory");
      await stillWorks();
    });
  }

  test("that is allowed is allowed: 0 and 127, of choices and of calls", async () => {
    for (const index of [0, 1, 127]) {
      const events = [chunkText({ content: "x" }, {}, { index }), callOf({ index }), chunkText({}, {}, { index, finish_reason: "stop" })];
      const stream = await openEvents(events, Infinity);
      assert.equal((await collect(stream)).length, 3);
    }
  });
});

suite("G16: a tool call is finished when the stream is, and not because its text may be read", () => {
  const TEXTS = [
    "{}", "[]", "0", "1", "12", "1.5", "-1", "true", "null", '""', '"a"', '"a\\"b"', "{ }", "[ ]", '{"a":1}', '{"a":12}', '{"a":1.5}', '{"a":"b"}', '{"a":"}"}',
    '{"a":"{}"}', '{"a":[]}', '{"a":[1,2]}', '{"a":{"b":{}}}', '{"a":null}', '{"a":true,"b":false}', '{"a":"\\u00e9"}', '{"a":"é👋"}', '{"a":1}\n', ' {"a":1}',
    '{"a":1} ', '{"city":"Paris","unit":"c"}', '{"q":"x \\" y"}', '{"q":"\\\\"}', '{"a":{}}{}', '{}{"x":1}', '{"x":1}{"y":2}', "{}\n{}", "[1][2]", "1 2",
    '{"a":1e5}', '{"a":-0.5E-3}', '{"list":[{"a":1},{"b":2}]}', '{"t":"data: [DONE]"}', '{"t":"\\n\\n"}', '{"a":"x","a":"y"}', '{"__proto__":{}}', '{"n":12345678901234567890}',
    '{"long":"0123456789012345678901234567890123456789"}', "", '{"z":""}',
  ];

  test("50 texts, at every split: one call, once and whole, and open until its finish reason", async () => {
    assert.equal(TEXTS.length, 50);
    for (const text of TEXTS) {
      for (let cut = 0; cut <= text.length; cut++) {
        const begin = { tool_calls: [{ index: 0, id: "call_1", type: "function", function: { name: "f", arguments: text.slice(0, cut) } }] };
        const rest = { tool_calls: [{ index: 0, function: { arguments: text.slice(cut) } }] };
        const stream = await openEvents([chunkText(begin), chunkText(rest), chunkText({}, {}, { finish_reason: "tool_calls" })]);
        const seen = [];
        let count = 0;
        for await (const { choices: [{ delta, finish_reason }] } of stream) {
          seen.push(delta.tool_calls?.[0].function.arguments ?? "", finish_reason);
          const [choice] = stream.partial.choices;
          const [call, ...others] = choice.message.tool_calls;
          assert.equal(others.length, 0);
          assert.equal(call.function.arguments, count++ === 0 ? text.slice(0, cut) : text);
          assert.equal(choice.finish_reason, count === 3 ? "tool_calls" : null);
        }
        assert.deepEqual(seen, [text.slice(0, cut), null, text.slice(cut), null, "", "tool_calls"]);
      }
    }
  });

  test("50 texts, cut after what can be read: the stream was truncated", async () => {
    for (const text of TEXTS) {
      const stream = await openEvents([callOf({}, { arguments: text })], Infinity, { end: "" });
      const error = await failure(collect(stream));
      assert.equal(error.kind, "stream_truncated", text);
      assert.equal(error.partial.choices[0].finish_reason, null);
      assert.equal(error.partial.choices[0].message.tool_calls[0].function.arguments, text);
    }
  });
});

suite("G32: bytes that are no text", () => {
  const BROKEN = [[0xff], [0xc3], [0xe2, 0x82], [0xf0, 0x9f, 0x91], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0x80], [0xfe, 0xff, 0, 0x41]];

  test("in a whole answer, an error and a stream are replaced as the standard says", async () => {
    for (const broken of BROKEN) {
      const replaced = new TextDecoder().decode(Uint8Array.from([...broken, 0x7a]));
      if (/[\0-\x1f]/.test(replaced)) continue;
      const around = (before, after) => Buffer.concat([Buffer.from(before), Buffer.from([...broken, 0x7a]), Buffer.from(after)]);
      const whole = await ask(clientWith(async () => new Response(around('{"choices":[],"x":"', '"}'), { headers: { "content-type": "application/json" } })));
      assert.equal(whole.x, replaced);
      const error = await failure(ask(clientWith(async () => new Response(around('{"error":{"message":"', '"}}'), { status: 400 }))));
      assert.equal(error.message, `400 ${replaced}`);
      const text = await failure(ask(clientWith(async () => new Response(around("", ""), { status: 400 }))));
      assert.ok(text instanceof ChatmuxError);
      const bytes = around('data: {"choices":[{"index":0,"delta":{"content":"', `"}}]}\n\n${sse(...answer())}`);
      for (const size of [1, Infinity]) {
        assert.equal(await (await openBody(bodyOf(Uint8Array.from(bytes), size).body)).text(), replaced);
        const stream = await openBody(bodyOf(Uint8Array.from(bytes), size).body);
        assert.equal(textOf(await collect(stream)), replaced);
        assert.equal(stream.partial.choices[0].message.content, replaced);
      }
    }
    await stillWorks();
  });

  test("in a prompt are sent as JSON that everybody can read", async (t) => {
    const server = await listen(t, (request, outgoing) => reply(outgoing, { ...COMPLETION, echo: JSON.parse(request.body).messages[0].content }));
    const controls = String.fromCharCode(...Array(0x20).keys());
    for (const prompt of [controls, "\x7f\x80\x9f\u2028\u2029\ufeff\ufffe\uffff", "a\ud800b", "\udc00", "\u{10ffff}👋", "\\u0000", "\r\n\r\nPOST /evil HTTP/1.1\r\n\r\n"]) {
      const client = new Chatmux({ apiKey: KEY, baseURL: server.baseURL });
      const completion = await ask(client, { ...REQUEST, messages: [{ role: "user", content: prompt }] });
      assert.equal(completion.echo, prompt);
    }
    const seen = server.requests.map(({ body }) => body);
    assert.ok(seen.every((body) => !/[\0-\x1f]/.test(body)));
  });

  test("in headers that a caller gives are refused, never sent as two", async () => {
    let calls = 0;
    const client = clientWith(async () => (calls++, jsonResponse()));
    for (const value of ["a\r\nx-evil: 1", "a\nb", "a\0b", "\u0100"]) {
      const error = await failure(ask(client, REQUEST, { headers: { "x-a": value } }));
      assert.ok(error instanceof ChatmuxError, String(error));
    }
    assert.equal(calls, 0);
  });

  test("every byte, in place of every byte of a stream, is a chunk or a typed error, and never a trap", async () => {
    const good = bytesOf([chunkText({ content: "é" })]);
    const client = (body) => clientWith(async () => new Response(body, { headers: { "content-type": "text/event-stream" } }));
    for (let at = 0; at < good.length; at += 3) {
      for (const byte of [0, 9, 10, 13, 0x22, 0x5c, 0x7b, 0x80, 0xc3, 0xed, 0xf4, 0xff]) {
        const bytes = Uint8Array.from(good);
        bytes[at] = byte;
        const outcome = await client(bytes).chat.completions.create(STREAMED).then(collect).catch((error) => error);
        assert.ok(Array.isArray(outcome) || (outcome instanceof ChatmuxError && outcome.kind !== "wasm_failed"), `${byte} at ${at}: ${outcome}`);
      }
    }
    await stillWorks();
  });
});
