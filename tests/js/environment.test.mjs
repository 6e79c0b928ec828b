import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { program, spawned } from "./support.mjs";

/** What a program's client sends with this environment: for each of its options, the URL and the key, or the error. */
async function asked(env, ...options) {
  return program(
    `const seen = [];
    for (const options of ${JSON.stringify(options)}) {
      const fetch = async (url, { headers }) => {
        seen.push([url, headers.get("authorization")]);
        return new Response('{"id":"1","choices":[],"data":[],"success":true}');
      };
      try {
        const client = new chatmux.Chatmux({ ...options, fetch });
        await client.chat.completions.create({ model: "m", messages: [{ role: "user", content: "x" }] });
      } catch (error) {
        seen.push([error.kind, error.message]);
      }
    }
    console.log(JSON.stringify(seen));`,
    env,
  );
}

const CHAT = "/chat/completions";
const SECRET = "sk-environment-123";

suite("AIHUBMIX_API_KEY", () => {
  test("is used for AIHubMix's own hosts", async () => {
    const hosts = [
      "https://aihubmix.com/v1", "https://api.aihubmix.com/v1", "https://AIHUBMIX.COM/v1/", "https://api.inferera.com/v1",
      "https://a.b.aihubmix.com:8443/v1",
    ];
    assert.deepEqual(await asked({ AIHUBMIX_API_KEY: SECRET }, {}, ...hosts.map((baseURL) => ({ baseURL }))), [
      [`https://aihubmix.com/v1${CHAT}`, `Bearer ${SECRET}`],
      [`https://aihubmix.com/v1${CHAT}`, `Bearer ${SECRET}`],
      [`https://api.aihubmix.com/v1${CHAT}`, `Bearer ${SECRET}`],
      [`https://aihubmix.com/v1${CHAT}`, `Bearer ${SECRET}`],
      [`https://api.inferera.com/v1${CHAT}`, `Bearer ${SECRET}`],
      [`https://a.b.aihubmix.com:8443/v1${CHAT}`, `Bearer ${SECRET}`],
    ]);
  });

  test("is never used for any other", async () => {
    const hosts = [
      "https://api.openai.com/v1", "https://notaihubmix.com/v1", "https://aihubmix.com.evil.test/v1", "https://evil.test/aihubmix.com/v1",
      "https://aihubmix.com.cn/v1", "https://inferera.com/v1", "https://x.api.inferera.com/v1", "http://aihubmix.com/v1", "http://127.0.0.1:8787/v1",
      "https://aihubmix.co/v1", "https://aihubmix.com%2eevil.test/v1", "https://evil.test\\aihubmix.com/v1", "https://evil.test#.aihubmix.com/",
    ];
    const seen = await asked({ AIHUBMIX_API_KEY: SECRET }, ...hosts.map((baseURL) => ({ baseURL })));
    assert.equal(seen.length, hosts.length);
    for (const [at, [kind, message]] of seen.entries()) {
      assert.match(kind, /^(missing_api_key|invalid_request)$/, hosts[at]);
      assert.ok(!message.includes(SECRET));
    }
    assert.match(seen[0][1], /apiKey.*AIHUBMIX_API_KEY/);
  });

  test("does not go where CHATMUX_BASE_URL points, unless that is AIHubMix", async () => {
    const other = { AIHUBMIX_API_KEY: SECRET, CHATMUX_BASE_URL: "https://evil.test/v1" };
    assert.equal((await asked(other, {}))[0][0], "missing_api_key");
    const own = { AIHUBMIX_API_KEY: SECRET, CHATMUX_BASE_URL: "https://api.inferera.com/v1" };
    assert.deepEqual(await asked(own, {}), [[`https://api.inferera.com/v1${CHAT}`, `Bearer ${SECRET}`]]);
  });

  test("gives way to the option, and counts as unset when blank", async () => {
    assert.deepEqual(await asked({ AIHUBMIX_API_KEY: SECRET }, { apiKey: "sk-option" }), [[`https://aihubmix.com/v1${CHAT}`, "Bearer sk-option"]]);
    for (const blank of ["", "  ", "\n"]) assert.equal((await asked({ AIHUBMIX_API_KEY: blank }, {}))[0][0], "missing_api_key");
    assert.deepEqual(await asked({ AIHUBMIX_API_KEY: ` ${SECRET}\n` }, {}), [[`https://aihubmix.com/v1${CHAT}`, `Bearer ${SECRET}`]]);
  });

  test("is sent neither with the catalogue nor after a base URL of the call", async () => {
    const seen = await program(
      `const seen = [];
      const fetch = async (url, { headers }) => (seen.push([url, headers.get("authorization")]), new Response('{"data":[],"success":true,"choices":[]}'));
      const client = new chatmux.Chatmux({ fetch });
      await client.models.catalogue();
      const request = { model: "m", messages: [{ role: "user", content: "x" }] };
      // No option of a call, but nothing stops JavaScript from passing it.
      await client.chat.completions.create(request, { baseURL: "https://evil.test/v1" }).catch((error) => seen.push(error.kind));
      await core.listCatalogue({}, { fetch });
      console.log(JSON.stringify(seen));`,
      { AIHUBMIX_API_KEY: SECRET },
    );
    assert.deepEqual(seen[0], ["https://aihubmix.com/api/v1/models", null]);
    assert.ok(!JSON.stringify(seen.filter(([url]) => url.includes("evil"))).includes(SECRET), JSON.stringify(seen));
    assert.deepEqual(seen.at(-1), ["https://aihubmix.com/api/v1/models", null]);
  });
});

suite("CHATMUX_BASE_URL", () => {
  test("U1: is the base URL where the option is not there or blank", async () => {
    const env = { CHATMUX_BASE_URL: "http://127.0.0.1:1/v1/" };
    const apiKey = "sk-option";
    assert.deepEqual(await asked(env, { apiKey }, { apiKey, baseURL: "" }, { apiKey, baseURL: null }, { apiKey, baseURL: "http://option.test/v1" }), [
      [`http://127.0.0.1:1/v1${CHAT}`, "Bearer sk-option"],
      [`http://127.0.0.1:1/v1${CHAT}`, "Bearer sk-option"],
      [`http://127.0.0.1:1/v1${CHAT}`, "Bearer sk-option"],
      [`http://option.test/v1${CHAT}`, "Bearer sk-option"],
    ]);
  });

  test("U1: counts as unset when blank, and is refused when it is no URL", async () => {
    assert.deepEqual(await asked({ CHATMUX_BASE_URL: "  " }, { apiKey: "sk-option" }), [[`https://aihubmix.com/v1${CHAT}`, "Bearer sk-option"]]);
    const [[kind, message]] = await asked({ CHATMUX_BASE_URL: "aihubmix.com/v1" }, { apiKey: "sk-option" });
    assert.equal(kind, "invalid_request");
    assert.match(message, /absolute/);
  });
});

suite("the environment", () => {
  test("of openai is not read", async () => {
    const env = { OPENAI_API_KEY: "sk-openai-123", OPENAI_BASE_URL: "https://evil.test/v1", OPENAI_ORG_ID: "org", OPENAI_PROJECT_ID: "project" };
    assert.equal((await asked(env, {}))[0][0], "missing_api_key");
    const seen = await program(
      `const read = [];
      process.env = new Proxy(process.env, { get: (env, name) => (read.push(name), env[name]) });
      const fetch = async (url, { headers }) => new Response(JSON.stringify({ choices: [], url, headers: [...headers.keys()] }));
      const client = new chatmux.Chatmux({ apiKey: "sk-option", fetch });
      const { url, headers } = await client.chat.completions.create({ model: "m", messages: [{ role: "user", content: "x" }] });
      console.log(JSON.stringify({ url, headers, read: read.filter((name) => /OPENAI|ORG|KEY/.test(String(name))) }));`,
      env,
    );
    assert.deepEqual(seen, { url: `https://aihubmix.com/v1${CHAT}`, headers: ["accept", "authorization", "content-type"], read: [] });
  });

  test("may be missing or forbidden", async () => {
    const forbidden = "{ get env() { throw new Error('forbidden'); } }";
    for (const breaking of ["delete globalThis.process", "globalThis.process = undefined", `globalThis.process = ${forbidden}`]) {
      const { stdout } = await spawned(`
        const { log } = console;
        const exit = process.exit.bind(process);
        ${breaking};
        const client = new chatmux.Chatmux({ apiKey: async () => "sk-option", fetch: async () => new Response('{"id":"1"}') });
        const { id } = await client.chat.completions.create({ model: "m", messages: [{ role: "user", content: "x" }] });
        log(id);`);
      assert.equal(stdout, "1\n", breaking);
    }
  });
});

suite("a browser", () => {
  /** What a client says of a key where these globals are, and what a call does. */
  async function said(globals, options) {
    const { stdout } = await spawned(`
      const { log } = console;
      delete globalThis.process;
      Object.assign(globalThis, { ${globals} });
      const fetch = async (url, { headers }) => new Response(JSON.stringify({ choices: [], key: headers.get("authorization"), data: [], success: true }));
      const options = { fetch, ${options} };
      const request = { model: "m", messages: [{ role: "user", content: "x" }] };
      const say = async (run) => { try { return await run(); } catch (error) { return [error.name, error.message]; } };
      const seen = [
        await say(async () => (await new chatmux.Chatmux(options).chat.completions.create(request)).key),
        await say(async () => (await core.createChatCompletion(request, options)).key),
      ];
      log(JSON.stringify(seen));`);
    return JSON.parse(stdout);
  }
  const PLACES = { "a window": "document: {}, window: globalThis", "a worker": "importScripts() {}" };

  for (const [place, globals] of Object.entries(PLACES)) {
    test(`U3: takes no plain key without leave, in ${place}`, async () => {
      for (const [name, message] of await said(globals, 'apiKey: "sk-canary-1234567890"')) {
        assert.equal(name, "ChatmuxError");
        assert.match(message, /dangerouslyAllowBrowser: true/);
        assert.match(message, /async function/);
        assert.doesNotMatch(message, /canary/);
      }
      const sent = ["Bearer sk-1234567890", "Bearer sk-1234567890"];
      assert.deepEqual(await said(globals, 'apiKey: "sk-1234567890", dangerouslyAllowBrowser: true'), sent);
      assert.deepEqual(await said(globals, 'apiKey: async () => "sk-1234567890"'), sent);
    });
  }

  test("U3: is none of the runtimes that have some of its globals", async () => {
    const sent = ["Bearer sk-1234567890", "Bearer sk-1234567890"];
    const runtimes = [
      "WebSocketPair: class {}", "WebSocketPair: class {}, importScripts() {}", 'EdgeRuntime: "edge-runtime"',
      "process: { versions: { node: '20' } }, document: {}",
    ];
    for (const globals of runtimes) {
      assert.deepEqual(await said(globals, 'apiKey: "sk-1234567890"'), sent, globals);
    }
  });
});
