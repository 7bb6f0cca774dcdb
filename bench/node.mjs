// Runs in a process of its own for `bench.py`: what a guard call costs from Node, in microseconds; prints JSON.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const ROOT = resolve(import.meta.dirname, "..");
const CALLS = 20_000;
const PACKAGE = resolve(process.env.TENANTRY_NODE_PACKAGE ?? join(ROOT, "bindings-node"));
const { Tenantry } = await import(pathToFileURL(join(PACKAGE, "esm/index.js")).href);

const prompt =
  "Could you summarise the attached quarterly report for the board, list the three largest risks with one " +
  "sentence each, and suggest which of the open questions we should settle before Friday? Thank you";

/** CPU of the whole process and wall time of `work`, in microseconds per call. */
async function timed(calls, work) {
  const [cpu, wall] = [process.cpuUsage(), performance.now()];
  await work(calls);
  const { user, system } = process.cpuUsage(cpu);
  return [(user + system) / calls, ((performance.now() - wall) * 1000) / calls];
}

/** As `timed`, the journal's way to the ledger included; every call must have left a row. */
async function audited(tenant, work) {
  await work(CALLS / 10);
  const before = tenant.audit.headSync().sequence;
  const cpu = process.cpuUsage();
  const [, wall] = await timed(CALLS, work);
  const rows = tenant.audit.headSync().sequence - before;
  const { user, system } = process.cpuUsage(cpu);
  if (rows !== CALLS) throw new Error(`${CALLS} calls left ${rows} audit rows`);
  return [(user + system) / CALLS, wall];
}

const folder = mkdtempSync(join(tmpdir(), "tenantry-bench-"));
try {
  const client = new Tenantry({ dataDir: folder, deadlineMs: 10_000 });
  client.admin.accounts.createSync("acme", { tier: "enterprise" });
  client.admin.projects.createSync("acme", "prod");
  const acme = client.tenantSync("acme", "prod");
  acme.policies.putSync("bench", readFileSync(join(ROOT, "bench/data/twenty.cedar"), "utf8"));
  for (const layer of ["project", "account"]) {
    acme.limits.setSync({ id: layer, rate: 100_000_000, per: "minute", layer });
  }
  const { guard } = acme;
  const sessionId = "bench/s1";
  const sync = await audited(acme, (calls) => {
    for (let n = 0; n < calls; n += 1) guard.evaluatePromptSync(prompt, { sessionId });
  });
  const promised = await audited(acme, async (calls) => {
    for (let n = 0; n < calls; n += 1) await guard.evaluatePrompt(prompt, { sessionId });
  });
  // The cheapest thing that crosses: a property of a native object.
  let open = 0;
  const empty = await timed(200_000, (calls) => {
    for (let n = 0; n < calls; n += 1) open += client.closed ? 0 : 1;
  });
  await client.close();
  console.log(JSON.stringify({ "20 policies, sync": sync, "20 policies, Promise": promised, "empty call": empty }));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
