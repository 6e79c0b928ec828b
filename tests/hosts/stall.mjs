/** A provider that leaves its callers waiting, each at the place that the name of the model says. */

import { createServer } from "node:http";

const ALLOW = { "access-control-allow-origin": "*", "access-control-allow-headers": "authorization, content-type, accept" };
const EVENT = 'data: {"choices":[{"index":0,"delta":{"content":"The answer is 42."}}]}\n\n';

/** Starts it on this machine. */
export async function stall() {
  let open = 0;
  const server = createServer(async (incoming, outgoing) => {
    const answer = (status, type, text) => outgoing.writeHead(status, { ...ALLOW, "content-type": type, "retry-after-ms": "60000" }).end(text);
    if (incoming.method === "OPTIONS") return answer(204, "text/plain");
    if (incoming.url.endsWith("/open")) return answer(200, "application/json", String(open));
    let body = "";
    for await (const part of incoming.setEncoding("utf8")) body += part;
    const { model, stream } = JSON.parse(body);
    if (model === "busy") return answer(429, "application/json", "{}");
    if (model === "good") {
      const message = { role: "assistant", content: "The answer is 42." };
      return stream
        ? answer(200, "text/event-stream", `${EVENT}data: [DONE]\n\n`)
        : answer(200, "application/json", JSON.stringify({ choices: [{ index: 0, message, finish_reason: "stop" }] }));
    }
    open++;
    const timer = model === "drip" && setInterval(() => outgoing.write(EVENT), 2);
    outgoing.on("close", () => {
      open--;
      clearInterval(timer);
    });
    if (model === "headers") return;
    outgoing.writeHead(200, { ...ALLOW, "content-type": stream ? "text/event-stream" : "application/json" });
    outgoing.write(stream ? EVENT : '{"choices":');
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    baseURL: `http://127.0.0.1:${server.address().port}/v1`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
