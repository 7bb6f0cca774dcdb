// The conformance runner of the npm package: case files in, one line of JSON per step out. See tests/conformance.

import { readFileSync, writeSync } from "node:fs";
import { createRequire } from "node:module";

import { BlockedError, Tenantry, TenantryError } from "../../../../bindings-node/esm/index.js";
import * as credentials from "./credentials.mjs";
import { ours, plain } from "./credentials.mjs";

const hooks = createRequire(import.meta.url)("../../../../bindings-node/native/index.cjs");

const START = 1_767_225_600_000_000;

/** One client, and what steps hand to later steps. */
class World {
  constructor({ options = {}, tenants = [["acme", "prod"], ["globex", "prod"]] }) {
    hooks._freeze(START);
    this.client = new Tenantry({ inMemory: true, deadlineMs: 10_000, ...ours(options) });
    this.pairs = tenants;
    this.held = new Map();
    this.remembered = new Map();
    for (const account of new Set(tenants.map(([account]) => account))) {
      this.client.admin.accounts.createSync(account);
      for (const [owner, project] of tenants) {
        if (owner === account) this.client.admin.projects.createSync(account, project);
      }
    }
  }

  step({ do: operation, tenant, as: principal, held: name, remember, with: given = {} }) {
    const answer = this.act(operation, tenant, principal, this.held.get(name), this.filled(given));
    // As the wire has it: what a later step reads by the wire's names.
    if (remember !== undefined) this.remembered.set(remember, JSON.parse(JSON.stringify(answer)));
    return answer;
  }

  /** With what earlier steps answered in the place of `${name.field}`. */
  filled(value) {
    if (typeof value === "string") {
      return value.replace(/\$\{(\w+)\.(\w+)\}/g, (_, name, field) => this.remembered.get(name)?.[field] ?? "");
    }
    if (Array.isArray(value)) return value.map((item) => this.filled(item));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, this.filled(field)]));
  }

  act(operation, tenant, principal, held, given) {
    const [room, verb] = operation.split(".");
    switch (room) {
      case "accounts":
      case "projects":
        return this.admin(room, verb, given);
      case "tenant": {
        const { accountId, projectId } = this.client.tenantSync(given.account, given.project);
        return { account_id: accountId, project_id: projectId };
      }
      case "authenticate":
        return this.authenticate(given);
      case "caller":
        return plain(held?.caller);
      case "require_scopes":
        return plain(held?.requireScopesSync(...given.scopes));
      case "identity":
      case "issuers":
      case "keys":
      case "tokens":
        return credentials[room]((held ?? this.client).identity, verb, given);
      case "grants":
        return credentials.grants(this.client.admin, verb, given);
      case "advance":
        return hooks._advance(given.ms) ?? null;
      case "panic_next":
        return hooks._panicNext() ?? null;
      case "close":
        return this.client.closeSync() ?? null;
      default: {
        const handle = held ?? this.client.tenantSync(...(tenant ?? this.pairs[0]));
        return this[room](principal ? handle.actingAs(principal) : handle, verb, given);
      }
    }
  }

  admin(room, verb, { account, id, ...facts }) {
    const names = [...(room === "projects" ? [account] : []), ...(verb === "list" ? [] : [id])];
    return plain(this.client.admin[room][`${verb}Sync`](...names, ...(["create", "ensure"].includes(verb) ? [facts] : [])));
  }

  authenticate({ headers, token, hold, ...rest }) {
    const tenant = this.client.authenticateSync(token ?? headers ?? [], rest);
    if (hold !== undefined) this.held.set(hold, tenant);
    return { account_id: tenant.accountId, project_id: tenant.projectId, caller: plain(tenant.caller) };
  }

  guard({ guard }, verb, given) {
    const { content, path, name, arguments: toolArguments, request, key, ...options } = given;
    const asked = request?.action === "call_tool" ? "" : request?.content;
    switch (verb) {
      case "evaluate":
      case "evaluate_once":
        return decision(guard.evaluateSync(ours(request), { idempotencyKey: key }), asked);
      case "evaluate_prompt":
        return decision(guard.evaluatePromptSync(content, ours(options)), content);
      case "evaluate_response":
        return decision(guard.evaluateResponseSync(content, ours(options)), content);
      case "evaluate_tool_call":
        return decision(guard.evaluateToolCallSync(name, toolArguments, ours(options)), "");
      case "evaluate_tool_response":
        return decision(guard.evaluateToolResponseSync(name, content, ours(options)), content);
      case "evaluate_file":
        return decision(guard.evaluateFileSync(content, path, ours(options)), content);
      case "detectors": return guard.detectorsSync();
      case "detect": return guard.detectSync(content, ours(options));
    }
    throw new Error(`no operation guard.${verb}`);
  }

  usage({ usage }, _, { report: { model, ...rest } }) {
    return usage.reportSync(ours({ ...model, ...rest }));
  }

  policies({ policies }, verb, { name, text, ...options }) {
    switch (verb) {
      case "put":
        return policies.putSync(name, Array.isArray(text) ? text.join("\n") : text, options);
      case "attach_pack":
        return policies.attachPackSync(name);
      case "remove":
        return plain(policies.removeSync(name, options));
      case "list":
        return policies.listSync();
    }
    throw new Error(`no operation policies.${verb}`);
  }

  limits({ limits }, verb, { id, ...options }) {
    switch (verb) {
      case "set":
        return plain(limits.setSync({ id, ...ours(options) }));
      case "remove":
        return plain(limits.removeSync(id, options));
      case "acquire":
        return plain(limits.acquireSync(id, options));
      case "list":
        return limits.listSync();
    }
    throw new Error(`no operation limits.${verb}`);
  }

  settings({ settings }, verb, given) {
    // The names of metadata keys are the caller's own.
    const { metadata_keys: metadataKeys, ...rest } = given ?? {};
    return verb === "get" ? settings.getSync() : settings.updateSync({ ...ours(rest), metadataKeys });
  }

  audit({ audit }, verb, given) {
    switch (verb) {
      case "query":
        return audit.querySync(given);
      case "verify":
        return audit.verifySync(given.anchor === "last_head" ? this.head : given.anchor);
      case "head": {
        const head = audit.headSync();
        this.head = head.toText();
        // The line it prints as is compared where it is given back.
        const { text: _, ...fields } = head.toJSON();
        return fields;
      }
    }
    throw new Error(`no operation audit.${verb}`);
  }
}

function decision(response, content) {
  const { allowed, denied, suspended } = response;
  const passedOn = response.passedOn(content);
  return { response, allowed, denied, suspended, passed_on: passedOn, blocked: blocked(response) };
}

function blocked(response) {
  try {
    response.raiseForDenied();
    return null;
  } catch (error) {
    if (!(error instanceof BlockedError)) throw error;
    return { code: error.code, message: error.message, retry_after_ms: error.retryAfterMs };
  }
}

for (const path of process.argv.slice(2)) {
  for (const testCase of JSON.parse(readFileSync(path, "utf8"))) {
    const world = new World(testCase);
    testCase.steps.forEach((step, number) => {
      const line = { case: testCase.id, step: number };
      try {
        line.ok = world.step(step);
      } catch (error) {
        if (!(error instanceof TenantryError)) throw error;
        const { kind, code, message, help, retryAfterMs, policy, line: row, column } = error;
        line.error = { kind, code, message, help, retry_after_ms: retryAfterMs, policy, line: row, column };
      }
      writeSync(1, `${JSON.stringify(line)}\n`);
    });
  }
}
