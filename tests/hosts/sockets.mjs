/**
 * Calls that are left, aborted or given up: does the server see the end of each within a second? And streams that are
 * dropped, where the garbage can be collected. And a thousand streams at a time. It says what it saw; the test judges.
 */
export async function sockets({ Chatmux }, url) {
  const client = new Chatmux({ apiKey: async () => "sk-test-1234567890", baseURL: `${url}/v1`, maxRetries: 0 });
  const request = { model: "m", messages: [{ role: "user", content: "x" }] };
  const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  const open = (how, options) => client.chat.completions.create({ ...request, how, stream: true }, options);
  const ask = (how, options) => client.chat.completions.create({ ...request, how }, options);
  const collect = async (stream) => {
    for await (const _ of stream);
  };
  const aborted = (call) => async (how) => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 100);
    await call(how, { signal: controller.signal });
  };
  const streamed = async (how, options) => collect(await open(how, options));
  const ways = {
    "a stream left with break": async (how) => {
      for await (const _ of await open(how)) break;
    },
    "texts left with break": async (how) => {
      for await (const _ of (await open(how)).textDeltas()) break;
    },
    "a stream aborted by its controller": async (how) => (await open(how)).controller.abort(),
    "a stream aborted by the caller": aborted(streamed),
    "a stream sent on and cancelled": async (how) => (await open(how)).toReadableStream().cancel(),
    "a stream that stalls": (how) => streamed(how, { idleTimeout: 100 }),
    "a stream without an event": (how) => streamed(`mute ${how}`, { firstEventTimeout: 100 }),
    "a stream that has had its time": (how) => streamed(how, { totalTimeout: 150 }),
    "a stream that is too large": (how) => streamed(how, { maxResponseBytes: 10 }),
    "a stream with an error": (how) => streamed(`error ${how}`),
    "a stream that ends and stays open": (how) => streamed(`done ${how}`),
    "a whole answer aborted before its headers": aborted((how, options) => ask(`silent ${how}`, options)),
    "a whole answer aborted in its body": aborted(ask),
    "a whole answer that stalls": (how) => ask(how, { timeout: 150 }),
    "a whole answer that is too large": (how) => ask(how, { maxResponseBytes: 10 }),
  };
  const report = {};
  for (const [what, use] of Object.entries(ways)) {
    let timer;
    const enough = new Promise((resolve) => (timer = setTimeout(resolve, 3000)));
    await Promise.race([Promise.resolve(use(what)).catch(() => {}), enough]);
    clearTimeout(timer);
    report[what] = await isClosed(what);
  }
  return report;

  async function isClosed(how) {
    for (let tries = 0; tries < 20; tries++) {
      if (await (await fetch(`${url}/closed?${encodeURIComponent(how)}`)).json()) return true;
      await pause(50);
    }
    return false;
  }
}

/** Streams that are dropped, each in its way; how many of their requests are still open after some collections. */
export async function dropped({ Chatmux }, url, gc) {
  const client = new Chatmux({ apiKey: async () => "sk-test-1234567890", baseURL: `${url}/v1`, maxRetries: 0 });
  const ways = {
    "unread": () => {},
    "half read": (stream) => stream[Symbol.asyncIterator]().next(),
    "half read as texts": (stream) => stream.textDeltas().next(),
    "split and half read": (stream) => stream.tee()[0][Symbol.asyncIterator]().next(),
  };
  const left = {};
  for (const [what, use] of Object.entries(ways)) {
    // Browsers allow a host six connections at a time.
    for (let n = 0; n < 3; n++) await drop(`${what} ${n}`, use);
    const open = new Set([0, 1, 2]);
    for (let tries = 0; tries < 100 && open.size; tries++) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 20));
      for (const n of open) if (await (await fetch(`${url}/closed?${encodeURIComponent(`${what} ${n}`)}`)).json()) open.delete(n);
    }
    left[what] = open.size;
  }
  return left;

  async function drop(how, use) {
    await use(await client.chat.completions.create({ model: "m", messages: [{ role: "user", content: "x" }], how, stream: true }));
  }
}

/** A thousand streams at a time, each with a text that is nobody else's. How many of them had a stray. */
export async function isolated({ Chatmux }, count = 1000) {
  const encoder = new TextEncoder();
  const markerOf = (n) => `<${n.toString(36)}:${((n * 2654435761) >>> 0).toString(16)}>`;
  const fetch = async (_, { body }) => {
    const { n } = JSON.parse(body);
    const chunk = (content, finish_reason = null) => JSON.stringify({ id: markerOf(n), choices: [{ index: 0, delta: { content }, finish_reason }] });
    const events = [..."123456"].map((piece) => `data: ${chunk(markerOf(n) + piece)}\n\n`);
    const bytes = encoder.encode(`${events.join("")}data: ${chunk("", "stop")}\n\ndata: [DONE]\n\n`);
    const size = 30 + (n % 300);
    let at = 0;
    const pull = async (controller) => {
      if (n % 2) await new Promise((resolve) => setTimeout(resolve));
      if (at >= bytes.length) controller.close();
      else controller.enqueue(bytes.subarray(at, (at += size)));
    };
    return new Response(new ReadableStream({ pull }, { highWaterMark: 0 }), { headers: { "content-type": "text/event-stream" } });
  };
  const client = new Chatmux({ apiKey: async () => "sk-test-1234567890", baseURL: "http://provider.test/v1", fetch });
  const strays = await Promise.all(Array.from({ length: count }, async (_, n) => {
    const stream = await client.chat.completions.create({ model: "m", messages: [{ role: "user", content: "x" }], n, stream: true });
    let text = "";
    let isStray = false;
    if (n % 3 === 0) text = await stream.text();
    else {
      for await (const one of stream) {
        text += one.choices[0].delta.content;
        isStray ||= one.id !== markerOf(n) || stream.partial.choices[0].message.content !== text;
      }
    }
    return isStray || stream.partial.id !== markerOf(n) || text !== [..."123456"].map((piece) => markerOf(n) + piece).join("");
  }));
  return strays.filter(Boolean).length;
}
