"use strict";
// Finds the native library of this platform: it lies beside this file.

const { join } = require("node:path");

const { triple } = require("./platform.cjs");

const name = `tenantry.${triple()}.node`;
const file = join(__dirname, name);

try {
  module.exports = require(file);
} catch (error) {
  const reason = error instanceof Error ? error.message.split("\n")[0] : String(error);
  throw new Error(
    `tenantry has no working native library for ${triple()} (Node ${process.version}). Tried: ${file}: ${reason}. ` +
      "Install the package on the platform it runs on, or build the library with `node scripts/native.mjs`.",
  );
}
