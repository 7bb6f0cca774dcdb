"use strict";
// Names of the native library by platform: the loader, the build and the tests agree here.

const { closeSync, openSync, readSync } = require("node:fs");

/** `linux-x64-gnu`, `linux-arm64-musl`, `darwin-arm64`, `win32-x64`: the library's name says what it was built for. */
function triple() {
  const parts = [process.platform, process.arch];
  if (process.platform === "linux") parts.push(libc());
  return parts.join("-");
}

function libc() {
  // Node itself is linked against the C library the process runs with, and names its loader near its start.
  const start = beginning(process.execPath);
  if (start.includes("/ld-musl-")) return "musl";
  if (start.includes("/ld-linux")) return "gnu";
  // Only glibc reports a version. The report would look up the name of every peer the process is connected to.
  const { excludeNetwork } = process.report;
  process.report.excludeNetwork = true;
  try {
    return process.report.getReport().header.glibcVersionRuntime ? "gnu" : "musl";
  } finally {
    process.report.excludeNetwork = excludeNetwork;
  }
}

/** The first kilobytes of a file, or nothing when it cannot be read. */
function beginning(path) {
  try {
    const file = openSync(path, "r");
    try {
      const bytes = Buffer.alloc(4096);
      return bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0)).toString("latin1");
    } finally {
      closeSync(file);
    }
  } catch {
    return "";
  }
}

module.exports = { triple };
