import assert from "node:assert/strict";
import { suite, test } from "node:test";
import OpenAI from "openai";
import * as chatmux from "../../dist/entry/default.js";
import * as core from "../../dist/entry/core.default.js";
import {
  ask, askStream, clientOf, clientWith, deadURL, failure, forbidStrayRejections, jsonResponse, KEY, listen, MESSAGES, REQUEST, STREAMED,
} from "./support.mjs";

forbidStrayRejections();

const { Chatmux, ChatmuxError, APIError, APIConnectionError } = chatmux;

suite("the class tree", () => {
  const TREE = {
    ChatmuxError: ["Error", "invalid_request"],
    APIError: ["ChatmuxError", "api"],
    BadRequestError: ["APIError", "bad_request"],
    AuthenticationError: ["APIError", "authentication"],
    PermissionDeniedError: ["APIError", "permission_denied"],
    NotFoundError: ["APIError", "not_found"],
    ConflictError: ["APIError", "conflict"],
    UnprocessableEntityError: ["APIError", "unprocessable_entity"],
    RateLimitError: ["APIError", "rate_limit"],
    InternalServerError: ["APIError", "internal_server"],
    APIUserAbortError: ["APIError", "abort"],
    APIConnectionError: ["APIError", "connection"],
    APIConnectionTimeoutError: ["APIConnectionError", "timeout"],
    StreamTimeoutError: ["APIConnectionTimeoutError", "stream_timeout"],
    StreamTruncatedError: ["APIConnectionError", "stream_truncated"],
    LengthFinishReasonError: ["ChatmuxError", "length_finish_reason"],
    ContentFilterFinishReasonError: ["ChatmuxError", "content_filter_finish_reason"],
  };

  for (const [name, [base, kind]] of Object.entries(TREE)) {
    test(`E1: ${name} is a ${base}, of the kind ${kind}`, () => {
      const Class = chatmux[name];
      assert.equal(Object.getPrototypeOf(Class.prototype), (chatmux[base] ?? Error).prototype);
      assert.equal(Class.name, name);
      assert.equal(Class.prototype.name, name);
      assert.equal(Class.prototype.kind, kind);
      assert.equal(Chatmux[name], Class);
      assert.equal(core[name], Class, "the same class in chatmux/core");
    });
  }

  test("has openai's name for its base, too", () => {
    assert.equal(chatmux.OpenAIError, ChatmuxError);
    assert.equal(Chatmux.OpenAIError, ChatmuxError);
  });

  test("is on the client's class, beside openai's other statics", () => {
    assert.equal(Chatmux.OpenAI, Chatmux);
    assert.equal(Chatmux.DEFAULT_TIMEOUT, 600_000);
    assert.equal(new Chatmux({ apiKey: KEY }).timeout, Chatmux.DEFAULT_TIMEOUT);
    for (const name of ["Chat", "Completions", "Models"]) assert.ok(!(name in Chatmux), `${name} is a type alone`);
  });

  test("can be used as openai's is: made by hand, thrown, told apart", () => {
    const headers = new Headers({ "x-request-id": "req_1" });
    const error = new APIError(418, { message: "teapot", code: "c", param: "p", type: "t" }, undefined, headers);
    assert.equal(error.message, "418 teapot");
    assert.deepEqual([error.status, error.code, error.param, error.type, error.requestID], [418, "c", "p", "t", "req_1"]);
    assert.equal(new APIError(500, undefined, undefined, undefined).message, "500 status code (no body)");
    assert.equal(new APIError(undefined, undefined, undefined, undefined).message, "(no status code or body)");
    assert.equal(new APIConnectionError({ message: "gone", cause: 1 }).cause, 1);
    assert.equal(new chatmux.APIConnectionTimeoutError().message, "Request timed out.");
    assert.equal(new chatmux.APIUserAbortError().message, "Request was aborted.");
    assert.equal(String(error), "APIError: 418 teapot");
    assert.ok(error.stack.startsWith("APIError: 418 teapot"), error.stack);
    class Own extends APIError {}
    assert.ok(new Own(1, undefined, "x", undefined) instanceof APIError);
    const never = new APIConnectionError({});
    for (const field of ["status", "headers", "error", "code", "param", "type"]) assert.equal(never[field], undefined, field);
    assert.ok(!("cause" in never));
  });
});

suite("APIError.generate", () => {
  const { APIError: theirs } = OpenAI;
  const headers = new Headers({ "x-request-id": "req_1" });
  const BODIES = [{ error: { message: "no", code: "c", param: "p", type: "t" } }, { error: { code: "x" } }, { message: "own" }, {}, undefined];

  test("makes the errors that openai's makes", () => {
    for (const status of [301, 400, 401, 402, 403, 404, 408, 409, 422, 429, 499, 500, 503, 599]) {
      for (const body of BODIES) {
        for (const message of ["said", undefined]) {
          const [own, other] = [APIError, theirs].map((Class) => Class.generate(status, body, message, headers));
          assert.equal(own.constructor, chatmux[other.constructor.name]);
          for (const field of ["message", "status", "headers", "error", "code", "param", "type", "requestID"]) assert.equal(own[field], other[field], field);
        }
      }
    }
  });

  test("makes an error of the connection where there is no status or there are no headers", () => {
    const cause = new TypeError("gone");
    for (const [status, given] of [[undefined, headers], [0, headers], [400, undefined]]) {
      const error = APIError.generate(status, cause, "lost", given);
      assert.equal(error.constructor, APIConnectionError);
      assert.deepEqual([error.message, error.cause, error.status], ["lost", cause, undefined]);
    }
    assert.equal(APIError.generate(undefined, undefined, undefined, undefined).message, "Connection error.");
  });
});

suite("a status", () => {
  const STATUSES = {
    400: "BadRequestError", 401: "AuthenticationError", 402: "APIError", 403: "PermissionDeniedError", 404: "NotFoundError", 405: "APIError",
    408: "APIError", 409: "ConflictError", 413: "APIError", 418: "APIError", 422: "UnprocessableEntityError", 429: "RateLimitError",
    451: "APIError", 500: "InternalServerError", 502: "InternalServerError", 503: "InternalServerError", 504: "InternalServerError",
    529: "InternalServerError", 599: "InternalServerError",
  };

  for (const [status, name] of Object.entries(STATUSES)) {
    test(`E1 and E2: ${status} is a ${name} with all that the server said`, async () => {
      const error = { message: "It said no", type: "some_type", param: "messages", code: "some_code", extra: { x: 1 } };
      const headers = { "x-request-id": "req_9", "x-other": "1" };
      const client = clientWith(async () => jsonResponse({ error }, { status: Number(status), headers }));
      for (const thrown of [await failure(ask(client)), await failure(askStream(client)), await failure(client.models.list())]) {
        assert.equal(thrown.constructor, chatmux[name]);
        assert.equal(thrown.name, name);
        assert.equal(thrown.status, Number(status));
        assert.equal(thrown.message, `${status} It said no`);
        assert.deepEqual([thrown.code, thrown.param, thrown.type, thrown.requestID], ["some_code", "messages", "some_type", "req_9"]);
        assert.deepEqual(thrown.error, error);
        assert.ok(thrown.headers instanceof Headers);
        assert.equal(thrown.headers.get("x-other"), "1");
        assert.ok(thrown instanceof APIError && thrown instanceof ChatmuxError && thrown instanceof Error);
        assert.ok(!(thrown instanceof APIConnectionError));
        assert.ok(!("upstreamStatus" in thrown));
        assert.equal(String(thrown), `${name}: ${status} It said no`);
      }
    });
  }

  const bodies = [
    ["null members", '{"error":{"message":"no","type":null,"param":null,"code":null}}', "400 no", { type: null, param: null, code: null }],
    ["an error that is a text", '{"error":"plain no"}', "400 plain no", { error: "plain no" }],
    ["a message of its own", '{"message":"own no","code":"x"}', "400 own no", { code: "x" }],
    ["a detail, as FastAPI writes it", '{"detail":"Not authenticated"}', "400 Not authenticated", {}],
    ["a list of one error, as Google writes it", '[{"error":{"code":400,"message":"API key not valid","status":"INVALID_ARGUMENT"}}]', "400 API key not valid", {}],
    ["an object without a message", '{"error":{"code":"x"}}', '400 {"code":"x"}', { code: "x" }],
    ["a message that is no text", '{"error":{"message":{"a":1}}}', '400 {"a":1}', {}],
    ["plain text", "upstream connect error", "400 upstream connect error", { error: undefined, code: undefined }],
    ["nothing", "", "400 status code (no body)", { error: undefined }],
    ["blanks", " \n ", "400 status code (no body)", {}],
    ["broken JSON", '{"error":{"message":"cut', '400 {"error":{"message":"cut', {}],
    ["JSON that is no object", '"no"', '400 "no"', {}],
  ];
  for (const [what, body, message, fields] of bodies) {
    test(`E3: of an error may come with ${what}`, async () => {
      const error = await failure(ask(clientWith(async () => jsonResponse(body, { status: 400 }))));
      assert.equal(error.name, "BadRequestError");
      assert.equal(error.message, message);
      for (const [name, value] of Object.entries(fields)) assert.deepEqual(error[name], value, name);
      assert.equal(error.requestID, null);
    });
  }

  test("E3: of an error may come with a text of any kind, type and encoding", async () => {
    const texts = { "café 世界 👋": undefined, "overloaded": "text/plain; charset=utf-8", "no type": "", "said": "application/octet-stream", "12": "text/plain" };
    for (const [text, type] of Object.entries(texts)) {
      const headers = type === undefined ? {} : { "content-type": type };
      const error = await failure(ask(clientWith(async () => new Response(new TextEncoder().encode(text), { status: 502, headers }))));
      assert.equal(error.message, `502 ${text}`);
      assert.equal(error.error, undefined);
    }
  });

  test("E3: of an error may come with an HTML page, which is told by its title", async () => {
    const page = "<!DOCTYPE html>\n<html><head><title> 502 Bad Gateway\n</title></head><body><h1>502</h1>" + "x".repeat(10_000) + "</body></html>";
    const client = clientWith(async () => new Response(page, { status: 502, headers: { "content-type": "text/html" } }));
    for (const error of [await failure(ask(client)), await failure(askStream(client))]) {
      assert.equal(error.name, "InternalServerError");
      assert.equal(error.status, 502);
      assert.match(error.message, /^502 .*HTML page.*502 Bad Gateway/);
      assert.ok(!/<|xxx/.test(error.message));
    }
    const bare = await failure(ask(clientWith(async () => new Response("<html><body>no title", { status: 500 }))));
    assert.match(bare.message, /^500 .*HTML page/);
  });

  test("E3: of an error with a long text is quoted in part", async () => {
    const error = await failure(ask(clientWith(async () => new Response("word ".repeat(100_000), { status: 500 }))));
    assert.ok(error.message.length < 1000);
    assert.match(error.message, /^500 word word/);
  });

  test("E2: has the id of the request however the header is spelled, and null where there is none", async (t) => {
    const server = await listen(t, (request, outgoing) => {
      const { named } = JSON.parse(request.body);
      outgoing.writeHead(400, named ? [named, "req_8", "content-type", "application/json"] : {}).end('{"error":{"message":"no"}}');
    });
    for (const named of ["x-request-id", "X-Request-ID", "X-REQUEST-ID"]) assert.equal((await failure(ask(clientOf(server), { ...REQUEST, named }))).requestID, "req_8");
    assert.equal((await failure(ask(clientOf(server)))).requestID, null);
  });

  test("E2: has fields that are no more than what was sent, of whatever kind", async () => {
    const odd = [{ code: 5, param: ["a"], type: {} }, { code: "", param: "", type: "" }, { code: false, type: 0 }];
    for (const fields of odd) {
      const error = await failure(ask(clientWith(async () => jsonResponse({ error: { message: "no", ...fields } }, { status: 400 }))));
      assert.equal(error.message, "400 no");
      assert.deepEqual(error.error, { message: "no", ...fields });
    }
  });

  test("E2: has the retries before it, beside all else", async () => {
    const client = clientWith(async () => jsonResponse({ error: { message: "no" } }, { status: 429, headers: { "retry-after-ms": "0" } }), { maxRetries: 2 });
    const error = await failure(ask(client));
    assert.equal(error.retryCount, 2);
    assert.equal((await failure(ask(client, REQUEST, { maxRetries: 0 }))).retryCount, 0);
  });

  test("503 No available channel is a model that is not there", async () => {
    let calls = 0;
    const message = "No available channel for model gtp-4 under group default";
    const headers = { "retry-after-ms": "0" };
    const client = clientWith(async () => (calls++, jsonResponse({ error: { message, type: "new_api_error" } }, { status: 503, headers })), { maxRetries: 2 });
    const error = await failure(ask(client));
    assert.equal(error.name, "NotFoundError");
    assert.deepEqual([error.status, error.upstreamStatus, error.code, error.kind], [404, 503, "model_not_found", "not_found"]);
    assert.equal(error.message, `404 ${message}`);
    assert.equal(calls, 1);
  });
});

suite("a request that cannot be sent", () => {
  const cyclic = { ...REQUEST };
  cyclic.self = cyclic;
  const cases = [
    ["no messages", { model: "m" }, /`messages` is missing/],
    ["messages that are no list", { model: "m", messages: "Hello" }, /`messages` is missing/],
    ["no model", { messages: MESSAGES }, /`model` is missing/],
    ["an empty model", { model: "", messages: MESSAGES }, /`model` is missing/],
    ["a model that is no text", { model: 4, messages: MESSAGES }, /`model` is missing/],
    ["null as the body", null, /object/],
    ["no body", undefined, /object/],
    ["a text as the body", JSON.stringify(REQUEST), /object/],
    ["a list as the body", [REQUEST], /object|`model`/],
    ["a cycle", cyclic, /cycle/],
    ["a BigInt", { ...REQUEST, seed: 5n }, /BigInt/],
    ["a cycle in extra_body", { ...REQUEST, extra_body: cyclic }, /cycle/],
    ["a toJSON that throws", { ...REQUEST, x: { toJSON() { throw new Error("no"); } } }, /JSON/],
  ];
  for (const [what, body, message] of cases) {
    test(`because of ${what} is refused at the door`, async () => {
      let calls = 0;
      const client = clientWith(async () => (calls++, jsonResponse()));
      const thrown = [
        await failure(client.chat.completions.create(body)),
        await failure(core.createChatCompletion(body, { apiKey: KEY })),
        await failure(client.chat.completions.create(body && typeof body === "object" && !Array.isArray(body) ? { ...body, stream: true } : body)),
      ];
      for (const error of thrown) {
        assert.equal(error.constructor, ChatmuxError, String(error));
        assert.equal(error.kind, "invalid_request");
        assert.match(error.message, message);
      }
      assert.equal(calls, 0);
    });
  }

  test("by the wrong function of chatmux/core is refused, with the right one's name", async () => {
    const error = await failure(core.createChatCompletion(STREAMED, { apiKey: KEY }));
    assert.equal(error.kind, "invalid_request");
    assert.match(error.message, /createChatCompletionStream/);
    assert.match((await failure(core.createChatCompletionStream(REQUEST, { apiKey: KEY }))).message, /stream: true/);
  });

  test("is an error of the promise, never one that is thrown at once", () => {
    const client = clientWith(async () => jsonResponse());
    for (const body of [null, undefined, {}, STREAMED]) client.chat.completions.create(body).catch(() => {});
    client.models.catalogue(5).catch(() => {});
  });
});

suite("a host that cannot be reached", () => {
  test("E1: because it refuses is a connection error that names it and the reason", async () => {
    const url = await deadURL();
    for (const call of [ask, askStream]) {
      const error = await failure(call(clientOf({ baseURL: `${url}/v1` }, { maxRetries: 0 })));
      assert.equal(error.constructor, APIConnectionError);
      assert.equal(error.kind, "connection");
      assert.ok(error.message.includes(url), error.message);
      assert.match(error.message, /ECONNREFUSED/);
      assert.ok(error.cause instanceof Error);
      assert.equal(error.status, undefined);
      assert.equal(error.requestID, undefined);
    }
  });

  test("E1: because nobody knows it is one as well", async () => {
    const error = await failure(ask(clientOf({ baseURL: "http://does-not-exist.invalid/v1" }, { maxRetries: 0 })));
    assert.equal(error.constructor, APIConnectionError);
    assert.match(error.message, /does-not-exist\.invalid/);
    assert.match(error.message, /ENOTFOUND|EAI_AGAIN/);
  });

  test("E1: because it hangs up before it answers is one as well", async (t) => {
    const server = await listen(t, (request) => request.socket.destroy());
    const error = await failure(ask(clientOf(server, { maxRetries: 0 })));
    assert.equal(error.constructor, APIConnectionError);
    assert.match(error.message, /Connection error/);
    assert.equal(server.requests.length, 1);
  });
});
