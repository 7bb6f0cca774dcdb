// The public client's page, run with nothing but its import line changed.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { RateLimited, TenantryError } from "tenantry";
import * as highflame from "tenantry/compat/highflame";

import { BENIGN, EMAIL, PACKAGE, REDACTED, emptyFolder, run } from "./helpers.mjs";

const { Highflame, Shield } = highflame;
const page = readFileSync(join(PACKAGE, "test/data/highflame-multi-tenancy.md"), "utf8");
const blocks = [...page.matchAll(/```typescript\n(.*?)```/gs)].map(([, block]) => block);

test("the page's block runs", async (context) => {
  assert.equal(blocks.length, 1);
  const source = blocks[0].replace('"@highflame/sdk"', '"tenantry/compat/highflame"');
  assert.notEqual(source, blocks[0]);
  const more = `
    const response = await client.guard.evaluatePrompt("hello", { debug: true });
    console.log(response.decision, response.debugInfo.tenant.accountId, response.debugInfo.tenant.projectId);`;
  const { code, output } = await run(emptyFolder(context), "block.mjs", source + more, { TENANTRY_DEV: "1" });
  assert.deepEqual([code, output], [0, "allow acc_tenant_a proj_prod\n"]);
});

test("without dev mode a key nobody issued is refused", async (context) => {
  const source = blocks[0].replace("@highflame/sdk", "tenantry/compat/highflame");
  const { code, output } = await run(emptyFolder(context), "block.mjs", source);
  assert.equal(code, 1);
  assert.match(output, /Unauthenticated: /);
});

test("the client acts in its project and no other; what shapes HTTP is taken", async (context) => {
  const dataDir = join(emptyFolder(context), "data");
  Object.assign(process.env, { TENANTRY_DEV: "1", TENANTRY_DATA_DIR: dataDir });
  context.after(() => { delete process.env.TENANTRY_DEV; delete process.env.TENANTRY_DATA_DIR; });
  const defaultHeaders = { "X-Tenant-Tier": "gold" };
  const options = { accountId: "acc_a", projectId: "prod", timeout: 10_000.4, maxRetries: 0, defaultHeaders };
  const client = new Highflame({ accessToken: "token", tokenUrl: "https://example.test", ...options });
  assert.ok((await client.guard.evaluate({ content: BENIGN })).allowed);
  await assert.rejects(client.tenant("acc_b", "prod"), highflame.HighflameError);

  const shield = new Shield(client);
  const mode = "modify";
  assert.equal(await shield.prompt((_, text) => text, { mode, contentArg: 1, optimize: true })(1, EMAIL), REDACTED);
  assert.deepEqual(await shield.tool((fields) => fields, { mode, toolName: "mail" })({ to: EMAIL }), { to: REDACTED });
  assert.equal(await shield.toolresponse(() => EMAIL, { mode, toolName: "mail" })(), REDACTED);
  assert.equal(await shield.modelresponse(() => EMAIL, { mode })(), REDACTED);
  await client.close();
});

test("errors have the public client's names", () => {
  assert.equal(highflame.HighflameError, TenantryError);
  assert.equal(highflame.RateLimitError, RateLimited);
  for (const name of ["AuthenticationError", "APIConnectionError", "InvalidRequestError", "BlockedError"]) {
    assert.ok(highflame[name].prototype instanceof highflame.HighflameError, name);
  }
  assert.throws(() => new Highflame({}), { name: "InvalidArgument", code: "config_invalid" });
});
