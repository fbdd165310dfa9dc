/**
 * @file The version, for scripts that run in Node.
 *
 * @runtime node
 */
import { parse } from "semver";

import PackageJSON from "../../../../package.json" with { type: "json" };

export const MiniVersion = /** @type {string} */ (PackageJSON.version);

export const ParsedMiniVersion = parse(MiniVersion, true);

if (!ParsedMiniVersion) {
    throw new Error(`not a version: ${MiniVersion}`);
}
