// Opening, sharing and closing; that nothing idle keeps a process; workers.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { Tenantry } from "tenantry";

import { BENIGN, emptyFolder, inMemory, run, withTenants } from "./helpers.mjs";

const OPEN = `
import { Tenantry } from "tenantry";
const client = new Tenantry({ dataDir: "data", deadlineMs: 10_000 });
client.admin.accounts.createSync("acme");
client.admin.projects.createSync("acme", "prod");
const acme = client.tenantSync("acme", "prod");
`;

test("a process with open clients ends by itself", async (context) => {
  const source = `${OPEN}
    await acme.guard.evaluatePrompt("hello");
    await acme.guard.evaluatePrompt("hello ".repeat(10_000));
    new Tenantry({ inMemory: true });
    console.log("answered");`;
  const { code, output } = await run(emptyFolder(context), "open.mjs", source);
  assert.deepEqual([code, output], [0, "answered\n"]);
});

test("a call under way is waited for", async (context) => {
  const source = `${OPEN}
    acme.guard.evaluatePrompt("hello ".repeat(100_000)).then((response) => console.log(response.decision));`;
  const { code, output } = await run(emptyFolder(context), "pending.mjs", source);
  assert.deepEqual([code, output], [0, "allow\n"]);
});

test("process.exit with calls under way is clean", async (context) => {
  const source = `${OPEN}
    for (let n = 0; n < 20; n += 1) acme.guard.evaluatePrompt("hello ".repeat(100_000));
    setTimeout(() => process.exit(7), 5);`;
  const { code, signal } = await run(emptyFolder(context), "exit.mjs", source);
  assert.deepEqual([code, signal], [7, null]);
});

test("closing twice is safe, in both forms", async () => {
  const { client } = withTenants();
  assert.equal(client.closed, false);
  client.closeSync();
  client.closeSync();
  await client.close();
  assert.equal(client.closed, true);
});

test("using closes", async () => {
  const client = inMemory();
  client[Symbol.dispose]();
  assert.ok(client.closed);
  const other = inMemory();
  await other[Symbol.asyncDispose]();
  assert.ok(other.closed);
});

test("two clients of one folder share what is in it", (context) => {
  const dataDir = join(emptyFolder(context), "data");
  const [one, other] = [1, 2].map(() => new Tenantry({ dataDir, deadlineMs: 10_000 }));
  one.admin.accounts.createSync("acme");
  one.admin.projects.createSync("acme", "prod");
  const acme = other.tenantSync("acme", "prod");
  assert.ok(acme.guard.evaluatePromptSync(BENIGN).allowed);
  one.closeSync();
  assert.ok(acme.guard.evaluatePromptSync(BENIGN).allowed);
  assert.equal(acme.audit.querySync().length, 3);
  other.closeSync();
});

test("what was written is there after reopening", async (context) => {
  const folder = emptyFolder(context);
  assert.equal((await run(folder, "write.mjs", `${OPEN} await acme.guard.evaluatePrompt("hello");`)).code, 0);
  const client = new Tenantry({ dataDir: join(folder, "data"), deadlineMs: 10_000 });
  const { audit } = client.tenantSync("acme", "prod");
  assert.deepEqual(audit.querySync().map((row) => row.kind), ["project.create", "decision"]);
  assert.ok(audit.verifySync().ok);
  client.closeSync();
});

test("garbage is collected: many responses do not pile up", () => {
  const { acme } = withTenants();
  const ask = (times) => {
    for (let n = 0; n < times; n += 1) acme.guard.evaluatePromptSync(BENIGN, { dryrun: true });
  };
  ask(5_000);
  const before = process.memoryUsage().rss;
  ask(20_000);
  assert.ok(process.memoryUsage().rss - before < 200 * 1024 * 1024);
});

test("workers: two hundred load it, and only they, and leave in every way", async (context) => {
  const source = `
    import { Worker } from "node:worker_threads";
    const body = \`
      const { parentPort, workerData } = require("node:worker_threads");
      const { Tenantry } = require("tenantry");
      const client = new Tenantry({ inMemory: true, deadlineMs: 60000 });
      client.admin.accounts.createSync("acme");
      client.admin.projects.createSync("acme", "prod");
      const { guard } = client.tenantSync("acme", "prod");
      const large = "an ordinary sentence. ".repeat(20000);
      (async () => {
        if (!(await guard.evaluatePrompt("hello")).allowed) throw new Error("denied");
        if (workerData.pending) for (let n = 0; n < 3; n += 1) guard.evaluatePrompt(large).catch(() => {});
        parentPort.postMessage("ready");
        if (workerData.way === "exit") process.exit(0);
        if (workerData.way === "close") client.closeSync();
        if (workerData.way === "terminate") setInterval(() => {}, 1000);
      })();
    \`;
    let left = 200;
    async function one(number) {
      const way = ["return", "exit", "terminate", "close"][number % 4];
      const worker = new Worker(body, { eval: true, workerData: { way, pending: number % 3 === 0 } });
      await new Promise((resolve, reject) => {
        worker.on("error", reject);
        worker.on("exit", resolve);
        worker.on("message", () => { if (way === "terminate") worker.terminate(); });
      });
      left -= 1;
    }
    async function lane(first) {
      for (let number = first; number < 200; number += 4) await one(number);
    }
    await Promise.all([0, 1, 2, 3].map(lane));
    console.log("left", left);
  `;
  const { code, signal, output } = await run(emptyFolder(context), "workers.mjs", source);
  assert.deepEqual([code, signal, output], [0, null, "left 0\n"]);
});
