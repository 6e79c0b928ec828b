/**
 * The few words of Node that server.ts says. `@types/node` would put Node's globals into every file of the client, where
 * using one by mistake must stay an error.
 */

declare module "node:events" {
  export function once(emitter: object, event: string, options?: { signal?: AbortSignal }): Promise<unknown[]>;
}

declare module "node:http" {
  export interface IncomingMessage extends AsyncIterable<Uint8Array> {
    method?: string;
    url?: string;
    headers: Record<string, string | undefined>;
    /** Name, value, name, value. */
    rawHeaders: string[];
  }

  export interface ServerResponse {
    headersSent: boolean;
    writableFinished: boolean;
    once(event: "close", listener: () => void): this;
    setHeader(name: string, value: string | string[]): this;
    writeHead(status: number, headers?: Record<string, string>): this;
    flushHeaders(): void;
    /** False when the caller should wait for "drain". */
    write(chunk: Uint8Array): boolean;
    end(chunk?: string): this;
    destroy(): this;
  }

  export interface Server {
    listening: boolean;
    listen(port: number, hostname: string): this;
    address(): unknown;
    close(): this;
    closeAllConnections(): void;
  }

  export function createServer(listener: (request: IncomingMessage, response: ServerResponse) => void): Server;
}
