import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Chatmux, ChatmuxError } from "../../dist/entry/default.js";
import * as core from "../../dist/entry/core.default.js";
import { OWN_HEADERS as OWN, sent } from "./calls.mjs";
import {
  ask, askStream, clientOf, clientWith, COMPLETION, failure, forbidStrayRejections, jsonResponse, KEY, listen, reply, REQUEST,
} from "./support.mjs";

forbidStrayRejections();

suite("headers", () => {
  test("H1: are three, where nobody asks for more", async () => {
    assert.deepEqual((await sent()).headers, OWN);
    for (const none of [null, undefined, {}, [], new Headers()]) {
      assert.deepEqual((await sent({ defaultHeaders: none }, { headers: none })).headers, OWN);
    }
  });

  test("H1: of the call win over the client's, and these over chatmux's own, in any case", async () => {
    const { headers } = await sent(
      { defaultHeaders: { "X-A": "client", "x-b": "client", Accept: "text/plain" } },
      { headers: { "x-a": "call", "X-C": "call" } },
    );
    assert.deepEqual(headers, { ...OWN, accept: "text/plain", "x-a": "call", "x-b": "client", "x-c": "call" });
  });

  test("H1: are removed by null and left by undefined", async () => {
    const { headers } = await sent(
      { defaultHeaders: { "x-a": "client", "x-b": "client", "x-c": null, accept: undefined } },
      { headers: { "X-A": null, "x-b": undefined, "Content-Type": null, Authorization: null } },
    );
    assert.deepEqual(headers, { accept: "application/json", "x-b": "client" });
  });

  test("H1: come back when the call sets what the client removed", async () => {
    const { headers } = await sent({ defaultHeaders: { authorization: null } }, { headers: { authorization: "Bearer other-key" } });
    assert.equal(headers.authorization, "Bearer other-key");
  });

  test("H1: can be a Headers, a list of pairs, a Map or an object", async () => {
    const forms = [new Headers({ "x-a": "1", "x-b": "2" }), [["x-a", "1"], ["x-b", "2"]], new Map([["x-a", "1"], ["x-b", "2"]]), { "x-a": "1", "x-b": "2" }];
    for (const form of forms) {
      assert.deepEqual((await sent({}, { headers: form })).headers, { ...OWN, "x-a": "1", "x-b": "2" });
      assert.deepEqual((await sent({ defaultHeaders: form })).headers, { ...OWN, "x-a": "1", "x-b": "2" });
    }
  });

  test("H1: with several values are joined as HTTP does it", async () => {
    assert.equal((await sent({}, { headers: { "x-tag": ["a", "b"] } })).headers["x-tag"], "a, b");
    const { headers } = await sent({ defaultHeaders: { "x-tag": "old" } }, { headers: [["x-tag", "a"], ["x-tag", "b"]] });
    assert.equal(headers["x-tag"], "a, b", "as new Headers(pairs) has it");
  });

  test("H1: with several values leave undefined out, and are removed by null", async () => {
    assert.equal((await sent({}, { headers: { "x-a": [undefined, "2"] } })).headers["x-a"], "2");
    assert.equal((await sent({ defaultHeaders: { "x-a": "old" } }, { headers: { "x-a": ["1", null] } })).headers["x-a"], undefined);
  });

  test("H1: win in whatever form and case they come, client's over chatmux's and call's over client's", async () => {
    const forms = (name, value) => [{ [name]: value }, [[name, value]], new Headers([[name, value]]), new Map([[name, value]]), { [name]: [value] }];
    for (const client of forms("X-A", "client")) {
      for (const call of forms("x-A", "call")) {
        assert.equal((await sent({ defaultHeaders: client }, { headers: call })).headers["x-a"], "call");
        assert.equal((await sent({ defaultHeaders: client })).headers["x-a"], "client");
      }
    }
    for (const name of ["authorization", "AUTHORIZATION", "Authorization"]) {
      const { headers } = await sent({ defaultHeaders: { [name]: "Bearer client" } }, { headers: { accept: "text/plain" } });
      assert.deepEqual(headers, { ...OWN, authorization: "Bearer client", accept: "text/plain" });
      assert.equal((await sent({ defaultHeaders: { authorization: "Bearer client" } }, { headers: { [name]: null } })).headers.authorization, undefined);
    }
  });

  test("H1: are removed by null in a list of pairs or a Map as well; undefined leaves them there, too", async () => {
    for (const make of [(pairs) => pairs, (pairs) => new Map(pairs), (pairs) => Object.fromEntries(pairs)]) {
      const { headers } = await sent({ defaultHeaders: { "x-a": "1", "x-b": "2" } }, { headers: make([["X-A", null], ["X-B", undefined]]) });
      assert.deepEqual(headers, { ...OWN, "x-b": "2" });
    }
  });

  test("H1: may be empty texts, which is not to be removed", async () => {
    assert.equal((await sent({ defaultHeaders: { "x-a": "1" } }, { headers: { "x-a": "" } })).headers["x-a"], "");
  });

  test("H1: twice in one object, in two cases, are one header, and the later wins", async () => {
    assert.equal((await sent({}, { headers: { "X-A": "1", "x-a": "2" } })).headers["x-a"], "2");
    assert.equal((await sent({}, { headers: { "x-a": "1", "X-A": null } })).headers["x-a"], undefined);
  });

  test("H1: of one call are not those of the next", async () => {
    const all = [];
    const client = clientWith(async (_, { headers }) => (all.push(Object.fromEntries(headers)), jsonResponse()), { defaultHeaders: { "x-a": "1" } });
    await ask(client, REQUEST, { headers: { "x-a": null, "x-b": "2" } });
    await ask(client);
    assert.deepEqual(all, [{ ...OWN, "x-b": "2" }, { ...OWN, "x-a": "1" }]);
  });

  test("H1: that the caller changes afterwards are those that were there at the call", async () => {
    let seen;
    const headers = { "x-a": "1" };
    const client = clientWith(async (_, init) => ((seen = init.headers.get("x-a")), jsonResponse()), { apiKey: async () => ((headers["x-a"] = "2"), KEY) });
    await ask(client, REQUEST, { headers });
    assert.ok(["1", "2"].includes(seen), seen);
  });

  test("H2: whose names become valid only in lower case are refused, of the client and of the call, in every form", async () => {
    let calls = 0;
    // KELVIN SIGN becomes k, and a capital I with a dot becomes i and a dot: neither is a letter of a header.
    for (const name of ["\u212aey", "x-\u212a", "X-\u0130d", "\u0130f-match", "x-\u017f", "\uff21uthorization", "authori\u200bzation", "x\u00a0a", " x-a", "x-a ", "x-\u00e9"]) {
      for (const headers of [{ [name]: "secret" }, [[name, "secret"]], new Map([[name, "secret"]]), { [name]: null }]) {
        for (const options of [[{ defaultHeaders: headers }], [{}, { headers }]]) {
          const client = clientWith(async () => (calls++, jsonResponse()), options[0]);
          const error = await ask(client, REQUEST, options[1]).then(() => undefined, (thrown) => thrown);
          // To remove what cannot be there is no harm.
          if (headers[name] === null && !error) { calls--; continue; }
          assert.equal(error?.kind, "invalid_request", JSON.stringify(name));
          assert.ok(!error.message.includes("secret"));
        }
      }
    }
    assert.equal(calls, 0);
  });

  test("may hold what Latin-1 holds", async () => {
    assert.equal((await sent({}, { headers: { "x-name": "Grüße\tÿ" } })).headers["x-name"], "Grüße\tÿ");
  });

  test("H2: that cannot be sent are refused before anything is, with the name and without the value", async () => {
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

  test("U2: is not there, where nobody asks for one", async () => {
    for (const none of [null, undefined, {}]) assert.equal((await sent({ defaultQuery: none }, { query: none })).url, base);
  });

  test("U2: of the call wins over the client's; null and undefined remove", async () => {
    const { url } = await sent({ defaultQuery: { a: "1", b: "2", c: 3, d: true } }, { query: { a: "9", b: null, d: undefined, e: "é &=?#+/" } });
    assert.deepEqual(Object.fromEntries(new URL(url).searchParams), { a: "9", c: "3", e: "é &=?#+/" });
  });

  /** The parameters of a URL, in their order. */
  const parameters = async (defaultQuery, query) => [...new URL((await sent({ defaultQuery }, { query })).url).searchParams];

  test("U2: has lists and objects as openai writes them, and dates in ISO's form", async () => {
    const date = new Date(Date.UTC(2026, 0, 2));
    assert.deepEqual(await parameters({}, { a: ["x", "y z"], b: { c: 1, d: { e: true } }, f: [{ g: 1 }], h: date, i: { j: date } }), [
      ["a[]", "x"], ["a[]", "y z"], ["b[c]", "1"], ["b[d][e]", "true"], ["f[][g]", "1"], ["h", date.toISOString()], ["i[j]", date.toISOString()],
    ]);
  });

  test("U2: leaves out what is no value: a function", async () => {
    assert.deepEqual(await parameters({ a: () => 1 }, { b: () => 2, c: 3, d: [() => 4, 5] }), [["c", "3"], ["d[]", "5"]]);
  });

  test("U2: of the call takes the place of the client's list or object of that name, and of no other", async () => {
    const ofClient = { a: [1, 2], b: { c: 1, d: 2 }, e: "1", ab: [3] };
    assert.deepEqual(await parameters(ofClient, { a: [9], b: { d: 8 }, e: { f: 7 } }), [["ab[]", "3"], ["a[]", "9"], ["b[d]", "8"], ["e[f]", "7"]]);
    assert.deepEqual(await parameters(ofClient, { a: null, b: undefined, e: 5 }), [["ab[]", "3"], ["e", "5"]]);
  });

  test("U2: cannot change where the request goes", async () => {
    const { url } = await sent({}, { query: { "../x": "1", "#": "2", "?": "@evil.test/" } });
    assert.equal(new URL(url).origin + new URL(url).pathname, base);
    assert.equal(new URL(url).hash, "");
  });
});

suite("a key", () => {
  test("H3: is a text, or what a function gives for every try", async (t) => {
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

  test("H3: is asked of the function once for each try, and each try has its own", async () => {
    const keys = [];
    let given = 0;
    const again = { "x-should-retry": "true", "retry-after-ms": "0" };
    const fetch = async (_, { headers }) => {
      keys.push(headers.get("authorization"));
      return keys.length < 3 ? new Response("", { status: 401, headers: again }) : jsonResponse();
    };
    const client = clientWith(fetch, { apiKey: async () => `sk-fresh-000${++given}`, maxRetries: 2 });
    await ask(client);
    assert.deepEqual(keys, ["Bearer sk-fresh-0001", "Bearer sk-fresh-0002", "Bearer sk-fresh-0003"]);
    await ask(client);
    assert.equal(given, 4);
  });

  test("H3: of a function is each call's own, however many wait for one", async () => {
    let given = 0;
    const keys = [];
    const client = clientWith(async (_, { headers }) => (keys.push(headers.get("authorization")), jsonResponse()), {
      apiKey: async () => { const mine = ++given; await new Promise((resolve) => setTimeout(resolve, 20 - mine)); return `sk-${mine}-0123456789`; },
    });
    await Promise.all(Array.from({ length: 10 }, () => ask(client)));
    assert.equal(new Set(keys).size, 10);
  });

  test("H3: can be read where it is a text", () => {
    assert.equal(new Chatmux({ apiKey: KEY }).apiKey, KEY);
  });

  test("loses the line break that a file or a form adds to it", async () => {
    for (const apiKey of [`${KEY}\n`, ` ${KEY} `, `${KEY}\r\n`, async () => `\t${KEY}\n`]) {
      assert.equal((await sent({ apiKey })).headers.authorization, `Bearer ${KEY}`);
    }
  });

  test("may have spaces in it, as a gateway's own may", async () => {
    for (const apiKey of ["My API Key", async () => "My API Key"]) assert.equal((await sent({ apiKey })).headers.authorization, "Bearer My API Key");
  });

  test("that cannot be sent is refused, without being shown", async () => {
    let calls = 0;
    for (const apiKey of ["sk-canary\n1234567890", "sk-canäry-1234567890", "sk-canary-123\x00", "sk-canary-“1234”"]) {
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

  test("H3: is not missing where the caller sends a header of their own", async () => {
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

suite("an organization and a project", () => {
  const tenant = async (client, call) => {
    const { headers } = await sent(client, call);
    return [headers["openai-organization"], headers["openai-project"]];
  };

  test("H3: are headers where they are set, and only there", async () => {
    assert.deepEqual(await tenant({ organization: "org-1", project: "proj_1" }), ["org-1", "proj_1"]);
    assert.deepEqual(await tenant({ organization: "org-1" }), ["org-1", undefined]);
    assert.deepEqual(await tenant({ project: "proj_1" }), [undefined, "proj_1"]);
    for (const none of [undefined, null]) assert.deepEqual((await sent({ organization: none, project: none })).headers, OWN);
  });

  test("H3: are spelled as OpenAI does, and can be read", async (t) => {
    const server = await listen(t, (_, outgoing) => reply(outgoing, COMPLETION));
    const client = clientOf(server, { organization: "org-1", project: "proj_1" });
    await ask(client);
    assert.equal(server.requests[0].headers["openai-organization"], "org-1");
    assert.equal(server.requests[0].headers["openai-project"], "proj_1");
    assert.deepEqual([client.organization, client.project], ["org-1", "proj_1"]);
    assert.deepEqual([new Chatmux({ apiKey: KEY }).organization ?? null, new Chatmux({ apiKey: KEY }).project ?? null], [null, null]);
  });

  test("H3: give way to headers of the client and of the call", async () => {
    const own = { organization: "org-1", project: "proj_1" };
    assert.deepEqual(await tenant({ ...own, defaultHeaders: { "OpenAI-Organization": "org-2" } }), ["org-2", "proj_1"]);
    assert.deepEqual(await tenant(own, { headers: { "openai-organization": null, "OPENAI-PROJECT": "proj_3" } }), [undefined, "proj_3"]);
  });

  test("H3: go with every call but the catalogue's", async () => {
    const seen = [];
    const fetch = async (url, { headers }) => {
      seen.push([new URL(url).pathname, headers.get("openai-organization")]);
      return jsonResponse({ object: "list", data: [], success: true });
    };
    const client = clientWith(fetch, { organization: "org-1" });
    await client.models.list();
    await client.get("/x");
    await client.models.catalogue();
    assert.deepEqual(seen, [["/v1/models", "org-1"], ["/v1/x", "org-1"], ["/api/v1/models", null]]);
  });

  test("H3: that cannot be sent are refused", async () => {
    let calls = 0;
    for (const wrong of ["org\r\nx-b: 1", "org\0", "世"]) {
      for (const name of ["organization", "project"]) {
        const outcome = await (async () => ask(clientWith(async () => (calls++, jsonResponse()), { [name]: wrong })))().then(() => "sent", (error) => error);
        assert.ok(outcome instanceof ChatmuxError, `${name} ${JSON.stringify(wrong)}: ${outcome}`);
      }
    }
    assert.equal(calls, 0);
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
    test(`U1: ${baseURL} is refused by the constructor and by chatmux/core`, async () => {
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

  test("U1: may be a URL object", async () => {
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
});
