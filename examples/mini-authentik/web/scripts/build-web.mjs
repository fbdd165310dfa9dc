/** @file Bundles the pages into `dist/`, with the version in their names. */
import { rm } from "node:fs/promises";

import { MiniVersion } from "@mini/core/version/node";
import * as esbuild from "esbuild";

await rm("dist", { recursive: true, force: true });
await esbuild.build({
    entryPoints: { flow: "src/flow.ts" },
    entryNames: `[name]-${MiniVersion}`,
    outdir: "dist",
    bundle: true,
    format: "esm",
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
    target: "es2023",
    minify: process.env.NODE_ENV === "production",
    sourcemap: true,
    define: { "globalThis.MINI_VERSION": JSON.stringify(MiniVersion) },
    logLevel: "info",
});
