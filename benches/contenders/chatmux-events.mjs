/** chatmux with a completion that tells what happens: `stream()`, which puts it together chunk by chunk. */

import { followThrough } from "../lib/openai-like.mjs";
import { clientOf } from "./chatmux.mjs";

export default { name: "chatmux, stream()", gives: "chunks", setup: (options) => followThrough(clientOf(options)) };
