/** `npm start`: builds what is missing, then serves the demo page and the local provider on one port. */

import { build } from "./build.mjs";
import { demo } from "./site.mjs";

const port = Number(process.env.PORT || 8787);
try {
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new Error(`PORT must be a number up to 65535.`);
  await build();
  const { createProvider } = await import("../dist/testing/provider.js");
  const { serve } = await import("../dist/testing/server.js");
  const provider = createProvider();
  const server = await serve(async (request) => (await demo(request)) ?? provider(request), { port });
  console.log(`chatmux: the demo page and a local provider (key: demo) are on ${server.url}`);
  const stop = () => server.close().then(() => process.exit(0));
  process.on("SIGINT", stop).on("SIGTERM", stop);
} catch (error) {
  const taken = error.code === "EADDRINUSE" ? `Port ${port} is in use. Set PORT to another one.` : undefined;
  console.error(`chatmux: ${taken ?? error.message}`);
  process.exit(1);
}
