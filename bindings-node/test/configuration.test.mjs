// What the environment says, as a Node process sees it.

import assert from "node:assert/strict";
import { test } from "node:test";

import { emptyFolder, run } from "./helpers.mjs";

const OPEN = `
import { Tenantry } from "tenantry";
for (let number = 0; number < 3; number++) {
  try {
    const client = new Tenantry({ inMemory: true });
    try { client.tenantSync("acme", "prod"); } catch (error) { console.log("opened", error.code); }
  } catch (error) { console.log("refused", error.code, error.message); }
}
`;

test("a word for yes closes the door, and any other is refused by name", async (context) => {
  const folder = emptyFolder(context);
  const asked = (name, value) => run(folder, "open.mjs", OPEN, { [name]: value });
  for (const word of ["1", "True", "TRUE", "on", "Yes", " yes "]) {
    const { output } = await asked("TENANTRY_REQUIRE_CREDENTIALS", word);
    assert.match(output, /^(opened credentials_required\n){3}$/, word);
  }
  const wrong = [
    ["TENANTRY_REQUIRE_CREDENTIALS", "Y"], ["TENANTRY_REQUIRE_CREDENTIALS", ""], ["TENANTRY_DEV", "enabled"],
    ["TENANTRY_DEADLINE_MS", "soon"], ["TENANTRY_WORKER_THREADS", "0"],
  ];
  for (const [name, value] of wrong) {
    const { output } = await asked(name, value);
    assert.match(output, new RegExp(`^(refused config_invalid .*${name}.*\n){3}$`), `${name}=${value}`);
  }
});

test("unknown variables are warned of once, by the process", async (context) => {
  const folder = emptyFolder(context);
  const listen = `process.on("warning", ({ name, code, message }) => console.log([name, code, message].join("|")));\n`;
  const both = `import { createRequire } from "node:module";\n${listen}${OPEN}
const other = createRequire(import.meta.url)("tenantry");
new other.Tenantry({ inMemory: true });`;
  const names = { TENANTRY_DATADIR: "hf_sk_private", TENANTRY_DEVV: "1", TENANTRY_TEST_THING: "1", TENANTRY_PORT_80_TCP: "x" };
  const { output } = await run(folder, "warned.mjs", both, { NODE_NO_WARNINGS: "1", ...names });
  const told = output.split("\n").filter((line) => line.startsWith("TenantryWarning|config_unknown|"));
  assert.equal(told.length, 2, output);
  assert.match(told[0], /TENANTRY_DATADIR .*TENANTRY_DATA_DIR$/);
  assert.match(told[1], /TENANTRY_DEVV .*TENANTRY_DEV$/);
  assert.doesNotMatch(output, /private/);
  const { output: plain } = await run(folder, "plain.mjs", OPEN, names);
  assert.equal(plain.match(/TENANTRY_DATADIR is not read/g).length, 1, plain);
});
