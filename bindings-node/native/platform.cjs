"use strict";
// Names of the native library by platform: the loader, the build and the tests agree here.

/** `linux-x64-gnu`, `linux-arm64-musl`, `darwin-arm64`, `win32-x64`: the library's name says what it was built for. */
function triple() {
  const parts = [process.platform, process.arch];
  if (process.platform === "linux") parts.push(libc());
  return parts.join("-");
}

function libc() {
  // Node itself is linked against the C library the process runs with; only glibc reports a version.
  const { header } = process.report.getReport();
  return header.glibcVersionRuntime ? "gnu" : "musl";
}

module.exports = { triple };
