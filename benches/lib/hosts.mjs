/** The runtimes that the tests bring along: the benches use the same. */

import { createRequire } from "node:module";
import { join } from "node:path";
import { nodeModules, root } from "../../scripts/setup.mjs";

const hosts = join(root, "tests/hosts");

/** A package of the tests' runtimes, installed when it is missing. */
export async function host(name) {
  await nodeModules(hosts);
  return createRequire(join(hosts, "package.json"))(name);
}
