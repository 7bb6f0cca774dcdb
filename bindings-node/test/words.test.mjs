// What typical mistakes read like: the same words as in every language, from `tests/words.json`.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { Tenantry, TenantryError } from "tenantry";

import { PACKAGE, inMemory, withTenants } from "./helpers.mjs";

const TABLE = JSON.parse(readFileSync(join(PACKAGE, "../tests/words.json"), "utf8"));

const DOES = {
  open: ({ inside }, _, folder) => new Tenantry({ dataDir: join(folder, inside) }),
  authenticate: ({ token }, { client }) => client.authenticateSync(token),
  tenant: ({ account, project }, { client }) => client.tenantSync(account, project),
  put: ({ name, text }, { acme }) => acme.policies.putSync(name, text),
  settings: ({ metadata_keys: metadataKeys }, { acme }) => acme.settings.updateSync({ metadataKeys }),
  key: ({ scopes }, { client }) =>
    client.identity.keys.createSync("bot", { accountId: "acme", projectId: "prod", scopes }),
  evaluate: ({ request: { content_type: contentType, ...rest } }, { acme }) =>
    acme.guard.evaluateSync({ contentType, ...rest }),
  call: ({ text, tool }, { acme }) => {
    acme.policies.putSync("tools", text);
    acme.guard.evaluateToolCallSync(tool).raiseForDenied();
  },
};

for (const { id, do: what, given, told } of TABLE) {
  test(`${id} reads as in every language`, (context) => {
    const folder = mkdtempSync(join(tmpdir(), "tenantry-words-"));
    context.after(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(join(folder, "file"), "not a folder");
    const seen = (error) => {
      assert.ok(error instanceof TenantryError, `${error}`);
      assert.equal(`${error}`.replaceAll(folder, "{folder}"), `${error.name}: ${told}`);
      return true;
    };
    assert.throws(() => DOES[what](given, withTenants(), folder), seen);
  });
}

test("an error of a policy's text says where it stands, to programs too", () => {
  const { client, acme } = withTenants();
  const text = "permit (principal, action, resource)\nwhen { context.tool_nmae == 1 };";
  assert.throws(() => acme.policies.putSync("p", text), { policy: "p", line: 2, column: 16 });
  assert.throws(() => client.tenantSync("nobody", "prod"), (error) => !("line" in error) && !("policy" in error));
});

test("the plan and absent detectors are told", () => {
  const client = inMemory();
  client.admin.accounts.createSync("acme");
  client.admin.projects.createSync("acme", "prod");
  const { guard } = client.tenantSync("acme", "prod");
  const asked = { content: "hello", optimize: true, dryrun: true, detectors: ["toxicity", "pii"] };
  const plan = guard.evaluateSync(asked);
  assert.deepEqual([plan.denied, plan.code, plan.degraded], [true, "plan_only", ["detector_absent: toxicity"]]);
  const required = plan.optimization.requiredDetectors.map(({ name, reason }) => [name, reason]);
  assert.deepEqual(required, [["pii", "always_run"]]);
  assert.equal(guard.evaluateSync({ content: "hello" }).optimization, undefined);
  const found = guard.detectSync("ada@example.com", { detectors: ["toxicity"] });
  assert.deepEqual([found.signals.length, found.degraded], [0, ["detector_absent: toxicity"]]);
});
