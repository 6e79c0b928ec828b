/** Listens on a port of this machine for a handler that knows only the fetch API. */

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

export type Handler = (request: Request) => Promise<Response> | Response;

export interface ServeOptions {
  /** 0, the default, takes any free port. */
  port?: number;
  hostname?: string;
}

export interface Server {
  /** Without a slash at the end. */
  url: string;
  port: number;
  /** Ends open connections too, so that it never waits for a client. */
  close(): Promise<void>;
}

export async function serve(handler: Handler, options: ServeOptions = {}): Promise<Server> {
  const { port = 0, hostname = "127.0.0.1" } = options;
  const server = createServer((incoming, outgoing) => void respond(handler, incoming, outgoing));
  server.listen(port, hostname);
  try {
    await once(server, "listening");
  } catch (error) {
    throw explained(error as SystemError, port, hostname);
  }
  const taken = (server.address() as { port: number }).port;
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  return {
    url: `http://${host}:${taken}`,
    port: taken,
    async close() {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

type SystemError = Error & { code?: string };

function explained(error: SystemError, port: number, hostname: string): Error {
  const reasons: Record<string, string> = {
    EADDRINUSE: `Port ${port} is taken by another program. End it, or choose another port.`,
    EACCES: `Port ${port} needs more rights than this program has. Choose one above 1023.`,
    EADDRNOTAVAIL: `This machine has no address ${hostname}.`,
  };
  const message = reasons[error.code ?? ""] ?? `Could not listen on ${hostname}:${port}: ${error.message}`;
  return Object.assign(new Error(message, { cause: error }), { code: error.code });
}

async function respond(handler: Handler, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const gone = new AbortController();
  outgoing.once("close", () => {
    if (!outgoing.writableFinished) gone.abort(new DOMException("The client has disconnected.", "AbortError"));
  });
  try {
    const request = requestOf(incoming, gone.signal);
    if (!request) return void outgoing.writeHead(400, { connection: "close" }).end();
    await send(await handler(request), incoming, outgoing, gone.signal);
  } catch (error) {
    fail(error, outgoing, gone.signal);
  }
}

/** A broken answer must look broken: one that had begun is cut, not ended. */
function fail(error: unknown, outgoing: ServerResponse, gone: AbortSignal): void {
  if (gone.aborted) return;
  console.error(error);
  if (outgoing.headersSent) {
    outgoing.destroy();
  } else {
    outgoing.writeHead(500, { "content-type": "text/plain; charset=utf-8" }).end("Internal server error\n");
  }
}

/** Nothing, where the request line or the Host header is no URL. */
function requestOf(incoming: IncomingMessage, signal: AbortSignal): Request | undefined {
  const { method = "GET", headers, url = "/" } = incoming;
  const base = `http://${headers.host ?? "localhost"}`;
  if (!url.startsWith("/") || !URL.canParse(base + url)) return undefined;
  const init: RequestInit & { duplex?: "half" } = { method, signal, headers: headersOf(incoming) };
  if (method !== "GET" && method !== "HEAD") {
    init.body = bodyOf(incoming);
    init.duplex = "half";
  }
  return new Request(base + url, init);
}

function headersOf(incoming: IncomingMessage): Headers {
  const headers = new Headers();
  for (let at = 0; at < incoming.rawHeaders.length; at += 2) {
    headers.append(incoming.rawHeaders[at]!, incoming.rawHeaders[at + 1]!);
  }
  return headers;
}

function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array> {
  const chunks: AsyncIterator<Uint8Array> = incoming[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const { value, done } = await chunks.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: () => void chunks.return?.(),
  }, { highWaterMark: 0 });
}

async function send(response: Response, incoming: IncomingMessage, outgoing: ServerResponse, gone: AbortSignal): Promise<void> {
  const reader = response.body?.getReader();
  if (gone.aborted) return reader?.cancel(gone.reason);
  const cookies = response.headers.getSetCookie();
  for (const [name, value] of response.headers) {
    if (name !== "set-cookie") outgoing.setHeader(name, value);
  }
  if (cookies.length > 0) outgoing.setHeader("set-cookie", cookies);
  outgoing.writeHead(response.status);
  if (!reader || incoming.method === "HEAD") {
    outgoing.end();
    return reader?.cancel();
  }
  // The headers go out at once: the first chunk of a stream may take its time.
  outgoing.flushHeaders();
  const cancel = () => void reader.cancel(gone.reason).catch(() => {});
  gone.addEventListener("abort", cancel, { once: true });
  for (;;) {
    const { value, done } = await reader.read();
    if (done || gone.aborted) break;
    if (!outgoing.write(value)) await once(outgoing, "drain", { signal: gone });
  }
  gone.removeEventListener("abort", cancel);
  if (!gone.aborted) outgoing.end();
}
