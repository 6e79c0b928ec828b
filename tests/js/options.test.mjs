import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Chatmux, ChatmuxError } from "../../dist/entry/default.js";
import * as core from "../../dist/entry/core.default.js";
import {
  ask, askStream, clientOf, clientWith, COMPLETION, failure, forbidStrayRejections, jsonResponse, KEY, listen, reply, REQUEST,
} from "./support.mjs";

forbidStrayRejections();

/** The headers and the URL that a call is sent with. */
async function sent(client, call, body = REQUEST) {
  let seen;
  const chatmux = clientWith(async (url, { headers }) => {
    seen = { url, headers: Object.fromEntries(headers) };
    return jsonResponse();
  }, client);
  await ask(chatmux, body, call);
  return seen;
}

const OWN = { accept: "application/json", authorization: `Bearer ${KEY}`, "content-type": "application/json" };

suite("headers", () => {
  test("are three, where nobody asks for more", async () => {
    assert.deepEqual((await sent()).headers, OWN);
    for (const none of [null, undefined, {}, [], new Headers()]) {
      assert.deepEqual((await sent({ defaultHeaders: none }, { headers: none })).headers, OWN);
    }
  });

  test("of the call win over the client's, and these over chatmux's own, in any case", async () => {
    const { headers } = await sent(
      { defaultHeaders: { "X-A": "client", "x-b": "client", Accept: "text/plain" } },
      { headers: { "x-a": "call", "X-C": "call" } },
    );
    assert.deepEqual(headers, { ...OWN, accept: "text/plain", "x-a": "call", "x-b": "client", "x-c": "call" });
  });

  test("are removed by null and left by undefined", async () => {
    const { headers } = await sent(
      { defaultHeaders: { "x-a": "client", "x-b": "client", "x-c": null, accept: undefined } },
      { headers: { "X-A": null, "x-b": undefined, "Content-Type": null, Authorization: null } },
    );
    assert.deepEqual(headers, { accept: "application/json", "x-b": "client" });
  });

  test("come back when the call sets what the client removed", async () => {
    const { headers } = await sent({ defaultHeaders: { authorization: null } }, { headers: { authorization: "Bearer other-key" } });
    assert.equal(headers.authorization, "Bearer other-key");
  });

  test("can be a Headers, a list of pairs, a Map or an object", async () => {
    const forms = [new Headers({ "x-a": "1", "x-b": "2" }), [["x-a", "1"], ["x-b", "2"]], new Map([["x-a", "1"], ["x-b", "2"]]), { "x-a": "1", "x-b": "2" }];
    for (const form of forms) {
      assert.deepEqual((await sent({}, { headers: form })).headers, { ...OWN, "x-a": "1", "x-b": "2" });
      assert.deepEqual((await sent({ defaultHeaders: form })).headers, { ...OWN, "x-a": "1", "x-b": "2" });
    }
  });

  test("with several values are joined as HTTP does it", async () => {
    assert.equal((await sent({}, { headers: { "x-tag": ["a", "b"] } })).headers["x-tag"], "a, b");
    const { headers } = await sent({ defaultHeaders: { "x-tag": "old" } }, { headers: [["x-tag", "a"], ["x-tag", "b"]] });
    assert.equal(headers["x-tag"], "a, b", "as new Headers(pairs) has it");
  });

  test("may hold what Latin-1 holds", async () => {
    assert.equal((await sent({}, { headers: { "x-name": "Grüße\tÿ" } })).headers["x-name"], "Grüße\tÿ");
  });

  test("that cannot be sent are refused before anything is, with the name and without the value", async () => {
    let calls = 0;
    const client = clientWith(async () => (calls++, jsonResponse()));
    const bad = [
      { "x-a": "secret\r\nx-b: 1" }, { "x-a": "secret\n" + "x" }, { "x-a": "secret\0" }, { "x-a": "secret世" }, { "x-a": "secret\x7f" },
      { "x a": "secret" }, { "": "secret" }, { "x-a:": "secret" }, { "x-\u212a": "secret" }, { "x\r\n": "secret" }, { "İ": "secret" },
    ];
    for (const headers of bad) {
      const error = await failure(ask(client, REQUEST, { headers }));
      assert.equal(error.name, "ChatmuxError", JSON.stringify(headers));
      assert.equal(error.kind, "invalid_request");
      assert.match(error.message, /header/);
      assert.ok(!error.message.includes("secret"));
    }
    for (const headers of ["x-a: 1", 5, [["x-a"], "x"], ["x-a", "1"]]) {
      assert.ok((await failure(ask(client, REQUEST, { headers }))) instanceof ChatmuxError, JSON.stringify(headers));
    }
    assert.equal(calls, 0);
  });

  test("name AIHubMix's partner code when there is one", async () => {
    assert.equal((await sent({ appCode: "ABCD1234" })).headers["app-code"], "ABCD1234");
    for (const appCode of [undefined, null]) assert.deepEqual((await sent({ appCode })).headers, OWN);
  });

  test("spell the partner code as AIHubMix does", async (t) => {
    const server = await listen(t, (_, outgoing) => reply(outgoing, COMPLETION));
    await ask(clientOf(server, { appCode: "ABCD1234" }));
    assert.equal(server.requests[0].headers["app-code"], "ABCD1234");
    const error = await failure(ask(clientOf(server, { appCode: "a\nb" })));
    assert.match(error.message, /app-code/);
  });
});

suite("the query", () => {
  const base = "http://provider.test/v1/chat/completions";

  test("is not there, where nobody asks for one", async () => {
    for (const none of [null, undefined, {}]) assert.equal((await sent({ defaultQuery: none }, { query: none })).url, base);
  });

  test("of the call wins over the client's; null and undefined remove", async () => {
    const { url } = await sent({ defaultQuery: { a: "1", b: "2", c: 3, d: true } }, { query: { a: "9", b: null, d: undefined, e: "é &=?#+/" } });
    assert.deepEqual(Object.fromEntries(new URL(url).searchParams), { a: "9", c: "3", e: "é &=?#+/" });
  });

  test("has lists as comma lists", async () => {
    assert.deepEqual([...new URL((await sent({}, { query: { a: ["x", "y z"] } })).url).searchParams], [["a", "x,y z"]]);
  });

  test("cannot change where the request goes", async () => {
    const { url } = await sent({}, { query: { "../x": "1", "#": "2", "?": "@evil.test/" } });
    assert.equal(new URL(url).origin + new URL(url).pathname, base);
    assert.equal(new URL(url).hash, "");
  });
});

suite("a key", () => {
  test("is a text, or what a function gives for every try", async (t) => {
    const server = await listen(t, (_, outgoing, count) => {
      reply(outgoing, count < 3 ? { error: { message: "busy" } } : COMPLETION, count < 3 ? 503 : 200, { "retry-after-ms": "0" });
    });
    let given = 0;
    await ask(clientOf(server, { apiKey: async () => `sk-fresh-000${++given}` }));
    assert.deepEqual(server.requests.map(({ headers }) => headers.authorization), [
      "Bearer sk-fresh-0001", "Bearer sk-fresh-0002", "Bearer sk-fresh-0003",
    ]);
    await ask(clientOf(server, { apiKey: () => "sk-at-once" }));
    assert.equal(server.requests[3].headers.authorization, "Bearer sk-at-once");
  });

  test("loses the line break that a file or a form adds to it", async () => {
    for (const apiKey of [`${KEY}\n`, ` ${KEY} `, `${KEY}\r\n`, async () => `\t${KEY}\n`]) {
      assert.equal((await sent({ apiKey })).headers.authorization, `Bearer ${KEY}`);
    }
  });

  test("that cannot be sent is refused, without being shown", async () => {
    let calls = 0;
    for (const apiKey of ["sk-canary\n1234567890", "sk canary 1234567890", "sk-canäry-1234567890", "sk-canary-123\x00", "sk-canary-“1234”"]) {
      const error = await failure(ask(clientWith(async () => (calls++, jsonResponse()), { apiKey })));
      assert.equal(error.name, "ChatmuxError");
      assert.equal(error.kind, "missing_api_key");
      assert.match(error.message, /API key/);
      assert.ok(!/can(a|ä)ry/.test(error.message + error.stack), error.stack);
    }
    assert.equal(calls, 0);
  });

  test("that is missing is an error of the call, which names the option and the variable", async () => {
    let calls = 0;
    for (const apiKey of [undefined, null, "", "  ", "\n", async () => "", () => null, async () => undefined]) {
      const client = clientWith(async () => (calls++, jsonResponse()), { apiKey });
      const options = { apiKey, baseURL: client.baseURL };
      const calls = [() => ask(client), () => askStream(client), () => client.models.list(), () => core.createChatCompletion(REQUEST, options)];
      for (const call of calls) {
        const error = await failure(call());
        assert.ok(error instanceof ChatmuxError);
        assert.equal(error.kind, "missing_api_key");
        assert.match(error.message, /apiKey/);
        assert.match(error.message, /AIHUBMIX_API_KEY/);
      }
    }
    assert.equal(calls, 0);
  });

  test("is not missing where the caller sends a header of their own", async () => {
    const own = await sent({ apiKey: null }, { headers: { authorization: "Basic dXNlcg==" } });
    assert.deepEqual(own.headers, { ...OWN, authorization: "Basic dXNlcg==" });
    const azure = await sent({ apiKey: undefined, defaultHeaders: { "api-key": "azure-key-123" } });
    assert.equal(azure.headers["api-key"], "azure-key-123");
    assert.equal(azure.headers.authorization, undefined);
  });

  test("of a wrong kind is refused, as is a function that fails", async () => {
    const client = (apiKey) => clientWith(async () => jsonResponse(), { apiKey });
    for (const apiKey of [123, {}, true, async () => 5, () => ({})]) {
      const error = await failure(ask(client(apiKey)));
      assert.equal(error.kind, "missing_api_key");
      assert.match(error.message, /string/);
    }
    const cause = new Error("vault is sealed");
    for (const apiKey of [() => { throw cause; }, async () => { throw cause; }, () => Promise.reject(cause)]) {
      const error = await failure(ask(client(apiKey)));
      assert.equal(error.kind, "missing_api_key");
      assert.equal(error.cause, cause);
      assert.match(error.message, /apiKey/);
    }
  });

  test("that never comes is given up with the timeout, and on abort", async () => {
    const client = clientWith(async () => jsonResponse(), { apiKey: () => new Promise(() => {}) });
    assert.equal((await failure(ask(client, REQUEST, { timeout: 20 }))).name, "APIConnectionTimeoutError");
    const controller = new AbortController();
    const call = failure(ask(client, REQUEST, { signal: controller.signal }));
    setTimeout(() => controller.abort(), 20);
    assert.equal((await call).name, "APIUserAbortError");
  });
});

suite("a base URL", () => {
  const cases = [
    ["/v1", /absolute/], ["aihubmix.com/v1", /absolute/], ["//aihubmix.com/v1", /absolute/], ["not a url", /absolute/],
    ["ftp://aihubmix.com/v1", /https:\/\//], ["file:///etc", /https:\/\//], ["javascript:alert(1)", /https:\/\//], ["localhost:11434/v1", /https:\/\//],
    ["https://user:sk-canary-1@aihubmix.com/v1", /user name or password/], ["https://sk-canary-1@aihubmix.com/v1", /user name or password/],
    ["https://aihubmix.com/v1?key=sk-canary-1", /query/], ["https://aihubmix.com/v1#sk-canary-1", /fragment/],
    ["https://", /absolute/], ["http://[::1", /absolute/], ["https://aihubmix.com:99999/v1", /absolute/],
  ];

  for (const [baseURL, reason] of cases) {
    test(`${baseURL} is refused by the constructor and by chatmux/core`, async () => {
      let thrown;
      try {
        new Chatmux({ apiKey: KEY, baseURL });
      } catch (error) {
        thrown = error;
      }
      for (const error of [thrown, await failure(core.createChatCompletion(REQUEST, { apiKey: KEY, baseURL }))]) {
        assert.ok(error instanceof ChatmuxError);
        assert.equal(error.name, "ChatmuxError");
        assert.equal(error.kind, "invalid_request");
        assert.match(error.message, /`baseURL`/);
        assert.match(error.message, reason);
        assert.ok(!error.message.includes("canary"), error.message);
      }
    });
  }

  test("may be a URL object", async () => {
    // Its type says string; a clear error is as good as doing it.
    let url;
    try {
      await ask(clientWith(async (asked) => ((url = asked), jsonResponse()), { baseURL: new URL("http://provider.test/v1/") }));
      assert.equal(url, "http://provider.test/v1/chat/completions");
    } catch (error) {
      assert.ok(error instanceof ChatmuxError, String(error));
    }
  });
});

suite("numbers", () => {
  test("that make no sense are refused", async () => {
    const client = clientWith(async () => jsonResponse());
    for (const timeout of [-1, NaN, "soon"]) {
      const error = await failure(ask(client, REQUEST, { timeout }));
      assert.equal(error.name, "ChatmuxError");
      assert.match(error.message, /`timeout`/);
    }
    for (const maxRetries of [-1, NaN, 1.5, "many"]) {
      const error = await failure(ask(client, REQUEST, { maxRetries }));
      assert.equal(error.name, "ChatmuxError");
      assert.match(error.message, /`maxRetries`/);
    }
  });

  test("that no timer can count wait as long as it takes", async () => {
    for (const timeout of [Infinity, 2 ** 31, 1e12]) {
      const client = clientWith(async () => (await new Promise((resolve) => setTimeout(resolve, 20)), jsonResponse()), { timeout });
      assert.deepEqual(await ask(client), COMPLETION);
    }
  });

  test("of the call win over the client's, and undefined leaves those", async (t) => {
    const server = await listen(t, (_, outgoing) => reply(outgoing, { error: { message: "no" } }, 500, { "retry-after-ms": "0" }));
    const client = clientOf(server, { maxRetries: 1 });
    const counts = [];
    for (const call of [undefined, {}, { maxRetries: undefined }, { maxRetries: 0 }, { maxRetries: 3 }]) {
      const before = server.requests.length;
      await failure(ask(client, REQUEST, call));
      counts.push(server.requests.length - before);
    }
    assert.deepEqual(counts, [2, 2, 2, 1, 4]);
  });
});
