/** The idempotency key: row H4. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Chatmux, ChatmuxError } from "../../dist/entry/default.js";
import { refusal } from "./calls.mjs";
import { ask, askStream, answer, clientWith, failure, forbidStrayRejections, jsonResponse, KEY, REQUEST, streamResponse } from "./support.mjs";

forbidStrayRejections();

const NAME = "Idempotency-Key";

/** A client, and the keys that its requests were sent with. */
function keyed(options = { idempotencyHeader: NAME }, { fail = 0 } = {}) {
  const keys = [];
  const client = clientWith(async (_, { headers, body }) => {
    keys.push(headers.get(NAME));
    if (keys.length <= fail) return refusal(500);
    return body && JSON.parse(body).stream ? streamResponse(answer("a")) : jsonResponse({ object: "list", data: [] });
  }, { maxRetries: 3, ...options });
  return { client, keys };
}

suite("an idempotency key", () => {
  test("H4: is sent only where a header is named for it", async () => {
    for (const idempotencyHeader of [undefined, null, ""]) {
      const { client, keys } = keyed({ idempotencyHeader });
      await ask(client);
      await ask(client, REQUEST, { idempotencyKey: "mine" });
      await client.post("/x", { body: {}, idempotencyKey: "mine" });
      assert.deepEqual(keys, [null, null, null]);
    }
  });

  test("H4: is a new one for every call", async () => {
    const { client, keys } = keyed();
    const options = Object.freeze({});
    for (let call = 0; call < 5; call++) await ask(client, REQUEST, options);
    await askStream(client);
    await client.post("/x", { body: {} });
    assert.equal(new Set(keys).size, 7);
    for (const key of keys) assert.match(key, /^[\x21-\x7e]{16,}$/);
  });

  test("H4: is the same over the tries of a call", async () => {
    const { client, keys } = keyed(undefined, { fail: 3 });
    await ask(client);
    assert.equal(keys.length, 4);
    assert.equal(new Set(keys).size, 1);
    await ask(client);
    assert.notEqual(keys[4], keys[0]);
  });

  test("H4: of the caller is sent as it is, over all tries", async () => {
    const { client, keys } = keyed(undefined, { fail: 2 });
    await ask(client, REQUEST, { idempotencyKey: "mine-1" });
    await client.post("/x", { body: {}, idempotencyKey: "mine-2" });
    await client.request({ method: "post", path: "/x", idempotencyKey: "mine-3" });
    assert.deepEqual(keys, ["mine-1", "mine-1", "mine-1", "mine-2", "mine-3"]);
  });

  test("H4: gives way to a header of the caller's, in any case, and is removed by null", async () => {
    const { client, keys } = keyed();
    await ask(client, REQUEST, { headers: { "idempotency-key": "header" } });
    await ask(client, REQUEST, { headers: { "IDEMPOTENCY-KEY": "header" }, idempotencyKey: "option" });
    await ask(client, REQUEST, { headers: { [NAME]: null } });
    assert.deepEqual(keys, ["header", "header", null]);
    const of = keyed({ idempotencyHeader: NAME, defaultHeaders: { [NAME]: "client" } });
    await ask(of.client);
    assert.deepEqual(of.keys, ["client"]);
  });

  test("H4: does not go with what only reads", async () => {
    const { client, keys } = keyed();
    await client.models.list();
    await client.models.retrieve("m");
    await client.get("/x");
    assert.deepEqual(keys, [null, null, null]);
    for (const method of ["put", "patch", "delete"]) await client[method]("/x", { body: {} });
    assert.ok(keys.slice(3).every(Boolean), keys.join());
  });

  test("H4: has the header that the client names, which can be read and is kept by withOptions()", async () => {
    assert.equal(new Chatmux({ apiKey: KEY, idempotencyHeader: "X-Once" }).idempotencyHeader, "X-Once");
    assert.equal(new Chatmux({ apiKey: KEY }).idempotencyHeader ?? null, null);
    const { client, keys } = keyed();
    await ask(client.withOptions({ maxRetries: 1 }));
    assert.ok(keys[0]);
  });

  test("H4: is sent where the property is set on the client, as users of openai do", async () => {
    const { client, keys } = keyed({});
    client.idempotencyHeader = NAME;
    await ask(client);
    assert.ok(keys[0]);
  });

  test("H4: that cannot be sent, or whose header cannot, is refused", async () => {
    for (const idempotencyKey of ["a\nb", "世", "a\0"]) {
      const outcome = await ask(keyed().client, REQUEST, { idempotencyKey }).then(() => "sent", (error) => error);
      assert.ok(outcome instanceof ChatmuxError, `${JSON.stringify(idempotencyKey)}: ${outcome}`);
    }
    for (const idempotencyHeader of ["x y", "\u212aey", "a\r\nb"]) {
      const outcome = await (async () => ask(keyed({ idempotencyHeader }).client))().then(() => "sent", (error) => error);
      assert.ok(outcome instanceof ChatmuxError, `${JSON.stringify(idempotencyHeader)}: ${outcome}`);
    }
    assert.equal((await failure(ask(keyed().client, { model: "m" }))).kind, "invalid_request");
  });
});
