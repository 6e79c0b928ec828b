/** How long chatmux waits between two tries: rows R5 to R9. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { inspect } from "node:util";
import { delays, refusal, tries } from "./calls.mjs";
import { ask, clientOf, COMPLETION, forbidStrayRejections, listenRaw } from "./support.mjs";

forbidStrayRejections();

/** The pauses of a call whose every try is refused with these headers. */
const pausesAfter = (headers, { maxRetries = 1, status = 500 } = {}) =>
  delays(async () => assert.equal((await tries(() => refusal(status, headers), { maxRetries })).error.status, status));

/** Fails unless these are the pauses of the own backoff. */
function assertBackoff(pauses, what) {
  for (const [at, ms] of pauses.entries()) {
    const whole = Math.min(500 * 2 ** at, 8000);
    assert.ok(ms >= whole * 0.75 && ms <= whole, `${inspect(what)}: ${ms} ms is not between ${whole * 0.75} and ${whole}`);
  }
}

suite("the own backoff", () => {
  test("R5: is half a second, doubled to at most eight, less up to a quarter", async () => {
    for (let round = 0; round < 20; round++) {
      const pauses = await pausesAfter({}, { maxRetries: 7 });
      assert.equal(pauses.length, 7);
      assertBackoff(pauses);
    }
  });

  test("R5: takes the quarter from a random number", async (t) => {
    const random = t.mock.method(Math, "random", () => 0);
    assert.deepEqual(await pausesAfter({}, { maxRetries: 6 }), [500, 1000, 2000, 4000, 8000, 8000]);
    random.mock.mockImplementation(() => 0.5);
    assert.deepEqual(await pausesAfter({}, { maxRetries: 6 }), [437.5, 875, 1750, 3500, 7000, 7000]);
    random.mock.mockImplementation(() => 1 - Number.EPSILON);
    for (const [at, ms] of (await pausesAfter({}, { maxRetries: 6 })).entries()) assert.ok(ms >= [375, 750, 1500, 3000, 6000, 6000][at], `${ms}`);
  });

  test("R5: is the same after a status, a failed connection and a mix of both", async () => {
    for (const status of [408, 409, 429, 503]) assertBackoff(await pausesAfter({}, { maxRetries: 3, status }), status);
    const failing = await delays(() => tries(() => { throw new TypeError("fetch failed"); }, { maxRetries: 3 }));
    assert.equal(failing.length, 3);
    assertBackoff(failing);
    const mixed = await delays(() => tries((count) => { if (count % 2) throw new TypeError("fetch failed"); return refusal(500, {}); }, { maxRetries: 4 }));
    assert.equal(mixed.length, 4);
    assertBackoff(mixed);
  });

  test("R5: counts the tries that waited as the server asked", async () => {
    const asked = ["0", undefined, "7", undefined];
    const pauses = await delays(() =>
      tries((count) => refusal(500, asked[count - 1] ? { "retry-after-ms": asked[count - 1] } : {}), { maxRetries: 4 }));
    assert.deepEqual([pauses[0], pauses[2]], [0, 7]);
    assert.ok(pauses[1] >= 750 && pauses[1] <= 1000, `${pauses[1]}`);
    assert.ok(pauses[3] >= 3000 && pauses[3] <= 4000, `${pauses[3]}`);
  });

  test("R5: stays at eight seconds, however many tries there are", async () => {
    const pauses = await pausesAfter({}, { maxRetries: 70 });
    assert.equal(pauses.length, 70);
    assertBackoff(pauses);
  });
});

suite("what the server asks for", () => {
  test("R6: retry-after-ms wins over retry-after, 0 as well", async () => {
    assert.deepEqual(await pausesAfter({ "retry-after-ms": "1234", "retry-after": "50" }), [1234]);
    assert.deepEqual(await pausesAfter({ "retry-after-ms": "0", "retry-after": "50" }), [0]);
    assert.deepEqual(await pausesAfter({ "Retry-After-Ms": "0.5", "Retry-After": "50" }), [0.5]);
    assert.deepEqual(await pausesAfter({ "retry-after-ms": "60000", "retry-after": "1" }), [60_000]);
  });

  test("R6: a retry-after-ms that is no number leaves retry-after", async () => {
    for (const odd of ["", " ", "soon", "NaN"]) assert.deepEqual(await pausesAfter({ "retry-after-ms": odd, "retry-after": "3" }), [3000], inspect(odd));
  });

  test("R6: a retry-after-ms that is a number out of bounds leaves the own backoff", async () => {
    for (const odd of ["-1", "60001", "1e9", "-0.001"]) {
      assertBackoff(await pausesAfter({ "retry-after-ms": odd, "retry-after": "3" }), odd);
    }
  });

  test("R7: retry-after is seconds, fractions allowed", async () => {
    const rows = { "3": 3000, "0.5": 500, ".25": 250, "1.": 1000, "0": 0, "0.0": 0, "59.999": 59_999, "60": 60_000, "6e1": 60_000, " 7 ": 7000, "007": 7000 };
    for (const [text, ms] of Object.entries(rows)) assert.deepEqual(await pausesAfter({ "retry-after": text }), [ms], inspect(text));
  });

  test("R7: a number with words after it is read as far as it is one, as openai does", async () => {
    for (const [text, ms] of Object.entries({ "3s": 3000, "2 seconds": 2000, "1, 1": 1000, "1;x": 1000 })) {
      assert.deepEqual(await pausesAfter({ "retry-after": text }), [ms], inspect(text));
    }
    assert.deepEqual(await pausesAfter({ "retry-after-ms": "20ms", "retry-after": "3" }), [20]);
  });

  test("R7: the first of two values counts, in a header that came twice", async (t) => {
    for (const [name, values, ms] of [["retry-after", ["2", "9"], 2000], ["retry-after-ms", ["20", "9000"], 20], ["Retry-After", ["2", "2"], 2000]]) {
      let connections = 0;
      const server = await listenRaw(t, (socket) => socket.once("data", () => {
        const body = JSON.stringify(connections++ ? COMPLETION : { error: { message: "busy" } });
        const status = connections > 1 ? "200 OK" : "429 Too Many Requests\r\n" + values.map((value) => `${name}: ${value}`).join("\r\n");
        socket.end(`HTTP/1.1 ${status}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
      }));
      assert.deepEqual(await delays(async () => assert.deepEqual(await ask(clientOf(server)), COMPLETION)), [ms], name);
    }
  });

  test("R7: retry-after is an HTTP date", async (t) => {
    const now = Date.parse("Fri, 29 Sep 2023 16:26:27 GMT");
    t.mock.method(Date, "now", () => now);
    const rows = {
      "Fri, 29 Sep 2023 16:26:37 GMT": 10_000,
      "Fri, 29 Sep 2023 16:26:27 GMT": 0,
      "Fri, 29 Sep 2023 16:27:27 GMT": 60_000,
      "Friday, 29-Sep-23 16:26:29 GMT": 2000,
      "Fri, 29 Sep 2023 18:26:33 +0200": 6000,
    };
    for (const [text, ms] of Object.entries(rows)) assert.deepEqual(await pausesAfter({ "retry-after": text }), [ms], text);
  });

  test("R8: what makes no sense falls back to the own backoff and leaves the status", async (t) => {
    const now = Date.parse("Fri, 29 Sep 2023 16:26:27 GMT");
    t.mock.method(Date, "now", () => now);
    const odd = [
      "", " ", "-1", "-0.5", "-Infinity", "NaN", "Infinity", "1e99", "1e400", "9".repeat(400), "abc", "null", "undefined", "[object Object]", "Zun, 99 Sep",
      "Fri, 29 Sep 2023 16:26:26 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 29 Sep 2023 16:27:28 GMT", "Tue, 01 Jan 2999 00:00:00 GMT",
      "2999-01-01T00:00:00Z", "Fri, 31 Feb 99999999 99:99:99 GMT", "x".repeat(10_000), "\u00e9",
    ];
    for (const text of odd) {
      for (const status of [429, 500]) {
        const pauses = await pausesAfter({ "retry-after": text }, { maxRetries: 2, status });
        assert.equal(pauses.length, 2);
        assertBackoff(pauses, text);
      }
    }
  });

  test("R8: headers that throw or give no text do the same", async () => {
    const gets = [() => { throw new Error("no header"); }, () => ({}), () => 5, () => ["1"], () => undefined, () => Symbol("odd")];
    for (const get of gets) {
      const respond = () => ({ status: 500, headers: { get }, text: async () => "busy" });
      const pauses = await delays(async () => assert.equal((await tries(respond, { maxRetries: 1 })).error.status, 500));
      assert.equal(pauses.length, 1);
    }
  });

  test("R9: 60 seconds are waited for; of more the own backoff is used, and the try is made", async () => {
    assert.deepEqual(await pausesAfter({ "retry-after": "60" }), [60_000]);
    assert.deepEqual(await pausesAfter({ "retry-after-ms": "60000" }), [60_000]);
    for (const headers of [{ "retry-after": "60.001" }, { "retry-after": "61" }, { "retry-after": "3600" }, { "retry-after-ms": "60000.5" }]) {
      const pauses = await pausesAfter(headers, { maxRetries: 3 });
      assert.equal(pauses.length, 3);
      assertBackoff(pauses, headers);
    }
  });

  test("R9: what the server asks for in vain is told by the error of the last try", async () => {
    let error;
    await delays(async () => void (error = (await tries(() => refusal(429, { "retry-after": "3600" }))).error));
    assert.equal(error.name, "RateLimitError");
    assert.equal(error.headers.get("retry-after"), "3600");
  });

  test("R9: no pause comes after the last try, nor where nothing is repeated", async () => {
    assert.deepEqual(await pausesAfter({ "retry-after": "9" }, { maxRetries: 0 }), []);
    assert.deepEqual(await delays(() => tries(() => refusal(400, { "retry-after": "9" }))), []);
    assert.deepEqual(await delays(() => tries(() => refusal(500, { "retry-after": "9", "x-should-retry": "false" }))), []);
  });
});

test("R7: the time is really waited for", async () => {
  const times = [];
  await tries(() => (times.push(performance.now()), refusal(500, { "retry-after-ms": "80" })), { maxRetries: 1 });
  assert.ok(times[1] - times[0] >= 75, `${times[1] - times[0]} ms`);
});
