/** `retry: "unbilled"`: repeated is only what cannot have been billed. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { APIConnectionError, APIConnectionTimeoutError, ChatmuxError } from "../../dist/entry/default.js";
import { AT_ONCE, delays, failedFetch, never, refusal, tries, withoutPauses } from "./calls.mjs";
import {
  answer, ask, askStream, chunk, clientOf, clientWith, collect, COMPLETION, deadURL, failure, failureOfStream, forbidStrayRejections, jsonResponse, listen, reply,
  replyStream, REQUEST, streamResponse, textOf,
} from "./support.mjs";

forbidStrayRejections();

const UNBILLED = { retry: "unbilled", maxRetries: 2 };

/** How often a call is sent that repeats only what is not billed. */
const count = async (respond, options, call) => (await withoutPauses(() => tries(respond, { ...UNBILLED, ...options }, call))).calls;

suite("a call that repeats only what is not billed", () => {
  for (const status of [408, 409, 429, 500, 502, 503, 529]) {
    test(`repeats a ${status}, as it was refused`, async () => {
      assert.equal(await count(() => refusal(status)), 3);
      assert.equal(await count(() => refusal(status), {}, askStream), 3);
    });
  }

  test("obeys x-should-retry, and repeats no other status", async () => {
    assert.equal(await count(() => refusal(400, { ...AT_ONCE, "x-should-retry": "true" })), 3);
    assert.equal(await count(() => refusal(500, { ...AT_ONCE, "x-should-retry": "false" })), 1);
    for (const status of [400, 401, 404]) assert.equal(await count(() => refusal(status)), 1);
  });

  for (const code of ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "UND_ERR_CONNECT_TIMEOUT"]) {
    test(`repeats a connection that could not be made: ${code}`, async () => {
      assert.equal(await count(() => { throw failedFetch(code); }), 3);
    });
  }

  test("repeats a connection that could not be made to any of several addresses", async () => {
    const cause = Object.assign(new AggregateError([failedFetch("ECONNREFUSED").cause, failedFetch("ECONNREFUSED").cause]), { code: "ECONNREFUSED" });
    assert.equal(await count(() => { throw Object.assign(new TypeError("fetch failed"), { cause }); }), 3);
  });

  test("knows the codes of Deno and Bun as well", async () => {
    // Bun puts its code on the error itself.
    assert.equal(await count(() => { throw Object.assign(new Error("Unable to connect. Is the computer able to access the url?"), { code: "ConnectionRefused" }); }), 3);
    assert.equal(await count(() => { throw Object.assign(new Error("The socket connection was closed unexpectedly."), { code: "ECONNRESET" }); }), 1);
    // Deno has it in the text.
    const deno = (text) => () => { throw new TypeError(`error sending request for url (http://provider.test/v1/chat/completions): client error (${text}`); };
    assert.equal(await count(deno("Connect): tcp connect error: Connection refused (os error 111)")), 3);
    assert.equal(await count(deno("Connect): dns error: failed to lookup address information: Name or service not known")), 3);
    assert.equal(await count(deno("SendRequest): connection closed before message completed")), 1);
  });

  for (const code of ["ECONNRESET", "EPIPE", "UND_ERR_SOCKET", "UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT", "HPE_INVALID_CONSTANT"]) {
    test(`does not repeat a connection that was lost: ${code}`, async () => {
      assert.equal(await count(() => { throw failedFetch(code); }), 1);
    });
  }

  test("does not repeat a connection of which nobody says why it failed", async () => {
    for (const cause of [new TypeError("Failed to fetch"), new TypeError("fetch failed"), "a text", undefined, null, { code: 5 }]) {
      assert.equal(await count(() => { throw cause; }), 1);
    }
  });

  test("does not repeat a timeout, whole and streamed", async () => {
    for (const call of [ask, askStream]) {
      const { calls, error } = await tries(never, { ...UNBILLED, timeout: 30 }, call);
      assert.equal(calls, 1);
      assert.equal(error.constructor, APIConnectionTimeoutError);
      assert.equal(error.retryCount, 0);
    }
  });

  test("does not repeat a body that does not come in time, nor one that is lost", async (t) => {
    const server = await listen(t, (request, outgoing) => {
      outgoing.writeHead(200, { "content-type": "application/json", "content-length": "100" }).write("{");
      if (JSON.parse(request.body).lose) setTimeout(() => request.socket.destroy(), 10);
    });
    assert.equal((await failure(ask(clientOf(server, { ...UNBILLED, timeout: 50 })))).constructor, APIConnectionTimeoutError);
    assert.equal((await failure(ask(clientOf(server, UNBILLED), { ...REQUEST, lose: true }))).constructor, APIConnectionError);
    assert.equal(server.requests.length, 2);
  });

  test("does not repeat what a server hung up on, but does what nobody listens to", async (t) => {
    const server = await listen(t, (request) => request.socket.destroy());
    assert.equal((await withoutPauses(() => failure(ask(clientOf(server, UNBILLED))))).constructor, APIConnectionError);
    assert.equal(server.requests.length, 1);
    let calls = 0;
    const dead = clientOf({ baseURL: `${await deadURL()}/v1` }, { ...UNBILLED, fetch: (...args) => (calls++, fetch(...args)) });
    const error = await withoutPauses(() => failure(ask(dead)));
    assert.equal(calls, 3);
    assert.equal(error.retryCount, 2);
  });

  test("does not repeat a success, whatever it is", async () => {
    for (const body of ['{"error":{"message":"busy","code":503}}', "{", " "]) assert.equal(await count(() => jsonResponse(body, { headers: AT_ONCE })), 1);
    let calls = 0;
    const client = clientWith(async () => (calls++, streamResponse([chunk("a")])), UNBILLED);
    await failureOfStream(askStream(client));
    assert.equal(calls, 1);
  });

  test("succeeds in the end, whole and streamed", async (t) => {
    const server = await listen(t, (request, outgoing, n) => {
      if (n % 2) reply(outgoing, { error: { message: "busy" } }, 429, AT_ONCE);
      else if (JSON.parse(request.body).stream) replyStream(outgoing, answer("a"));
      else reply(outgoing, COMPLETION);
    });
    assert.deepEqual(await ask(clientOf(server, UNBILLED)), COMPLETION);
    assert.equal(textOf(await collect(await askStream(clientOf(server, UNBILLED)))), "a");
  });

  test("waits as any other does", async () => {
    const pauses = await delays(() => tries(() => refusal(500, { "retry-after": "3" }), UNBILLED));
    assert.deepEqual(pauses, [3000, 3000]);
    assert.equal((await delays(() => tries(() => { throw failedFetch("ECONNREFUSED"); }, UNBILLED))).length, 2);
  });
});

suite("the option", () => {
  const lost = () => { throw failedFetch("ECONNRESET"); };
  const reset = (client, call) => withoutPauses(async () => (await tries(lost, { maxRetries: 2, ...client }, (one) => ask(one, REQUEST, call))).calls);

  test("is off where nobody asks for it", async () => {
    assert.equal(await reset(), 3);
    for (const none of [undefined, null]) assert.equal(await reset({ retry: none }), 3);
  });

  test("is of the client, of the call, and of withOptions()", async () => {
    assert.equal(await reset({ retry: "unbilled" }), 1);
    assert.equal(await reset({}, { retry: "unbilled" }), 1);
    assert.equal(await reset({ retry: "unbilled" }, { retry: undefined }), 1);
    const { calls } = await withoutPauses(() => tries(lost, {}, (client) => ask(client.withOptions({ retry: "unbilled" }))));
    assert.equal(calls, 1);
  });

  test("is refused where it is no word that chatmux knows", async () => {
    for (const retry of ["unbiled", "none", 5, {}, true]) {
      const outcome = await (async () => ask(clientWith(async () => jsonResponse(), { retry })))().then(() => "sent", (error) => error);
      assert.ok(outcome instanceof ChatmuxError, `${String(retry)}: ${outcome}`);
      assert.match(outcome.message, /`retry`/);
    }
  });
});
