// Usage, policies, limits, settings and audit of one project.

import { nothing, now, soon } from "./calls.js";
import { given } from "./data.js";
import { InvalidArgument } from "./errors.js";
import type * as Native from "./native.js";
import { AuditHead, AuditRecord, LimitSpec, PolicyReceipt, PolicySummary } from "./records.js";
import { Settings, UsageReceipt, VerifyReport } from "./records.js";
import type {
  AcquireOptions,
  AuditQuery,
  LayerOptions,
  Limit,
  PolicyOptions,
  SettingsChange,
  UsageReport,
} from "./requests.js";
import { listOf } from "./value.js";

const usage = (json: string): UsageReceipt => new UsageReceipt(json);
const receipt = (json: string): PolicyReceipt => new PolicyReceipt(json);
const policies = listOf(PolicySummary);
const limits = listOf(LimitSpec);
const settings = (json: string): Settings => new Settings(json);
const records = listOf(AuditRecord);
const head = (json: string): AuditHead => new AuditHead(json);
const report = (json: string): VerifyReport => new VerifyReport(json);

/** See `Tenant.usage`. */
export class Usage {
  readonly #native: Native.Usage;

  /** @internal */
  constructor(handle: Native.Usage) {
    this.#native = handle;
  }

  /** Prices one model call and writes down what it cost, once per `usageId` and 48 hours. */
  report(call: UsageReport): Promise<UsageReceipt> {
    return soon(() => this.#native.report(given("report", call)), usage);
  }

  /** As `report`, waiting. */
  reportSync(call: UsageReport): UsageReceipt {
    return now(() => this.#native.reportSync(given("report", call)), usage);
  }
}

/** See `Tenant.policies`. */
export class Policies {
  readonly #native: Native.Policies;

  /** @internal */
  constructor(handle: Native.Policies) {
    this.#native = handle;
  }

  /** Attaches Cedar text under a name, replacing what was there. Bad text is refused and the old stays. */
  put(name: string, text: string, options?: PolicyOptions): Promise<PolicyReceipt> {
    return soon(() => this.#native.put(name, text, given("options", options)), receipt);
  }

  /** As `put`, waiting. */
  putSync(name: string, text: string, options?: PolicyOptions): PolicyReceipt {
    return now(() => this.#native.putSync(name, text, given("options", options)), receipt);
  }

  /** Attaches a pack of our own: `baseline` or `strict`. */
  attachPack(name: string): Promise<PolicyReceipt> {
    return soon(() => this.#native.attachPack(name), receipt);
  }

  /** As `attachPack`, waiting. */
  attachPackSync(name: string): PolicyReceipt {
    return now(() => this.#native.attachPackSync(name), receipt);
  }

  /** Detaches a policy. */
  remove(name: string, options?: LayerOptions): Promise<void> {
    return soon(() => this.#native.remove(name, given("options", options)), nothing);
  }

  /** As `remove`, waiting. */
  removeSync(name: string, options?: LayerOptions): void {
    now(() => this.#native.removeSync(name, given("options", options)), nothing);
  }

  /** The policies in force here, all layers. */
  list(): Promise<readonly PolicySummary[]> {
    return soon(() => this.#native.list(), policies);
  }

  /** As `list`, waiting. */
  listSync(): readonly PolicySummary[] {
    return now(() => this.#native.listSync(), policies);
  }
}

/** See `Tenant.limits`. */
export class Limits {
  readonly #native: Native.Limits;

  /** @internal */
  constructor(handle: Native.Limits) {
    this.#native = handle;
  }

  /** Sets a rate limit, replacing the one with the same id on the same layer. */
  set(limit: Limit): Promise<void> {
    return soon(() => this.#native.set(given("limit", limit)), nothing);
  }

  /** As `set`, waiting. */
  setSync(limit: Limit): void {
    now(() => this.#native.setSync(given("limit", limit)), nothing);
  }

  /** Removes a rate limit. */
  remove(id: string, options?: LayerOptions): Promise<void> {
    return soon(() => this.#native.remove(id, given("options", options)), nothing);
  }

  /** As `remove`, waiting. */
  removeSync(id: string, options?: LayerOptions): void {
    now(() => this.#native.removeSync(id, given("options", options)), nothing);
  }

  /** The limits in force here, all layers. */
  list(): Promise<readonly LimitSpec[]> {
    return soon(() => this.#native.list(), limits);
  }

  /** As `list`, waiting. */
  listSync(): readonly LimitSpec[] {
    return now(() => this.#native.listSync(), limits);
  }

  /** Takes `cost` from a limit for work of the app's own; `RateLimited` when there is not enough. */
  acquire(id: string, options?: AcquireOptions): Promise<void> {
    return soon(() => this.#native.acquire(id, given("options", options)), nothing);
  }

  /** As `acquire`, waiting. */
  acquireSync(id: string, options?: AcquireOptions): void {
    now(() => this.#native.acquireSync(id, given("options", options)), nothing);
  }
}

/** See `Tenant.settings`. */
export class TenantSettings {
  readonly #native: Native.TenantSettings;

  /** @internal */
  constructor(handle: Native.TenantSettings) {
    this.#native = handle;
  }

  /** The settings in force. */
  get(): Promise<Settings> {
    return soon(() => this.#native.get(), settings);
  }

  /** As `get`, waiting. */
  getSync(): Settings {
    return now(() => this.#native.getSync(), settings);
  }

  /** Changes the given fields. */
  update(change: SettingsChange): Promise<Settings> {
    return soon(() => this.#native.update(given("settings", change)), settings);
  }

  /** As `update`, waiting. */
  updateSync(change: SettingsChange): Settings {
    return now(() => this.#native.updateSync(given("settings", change)), settings);
  }
}

/** See `Tenant.audit`. */
export class Audit {
  readonly #native: Native.Audit;

  /** @internal */
  constructor(handle: Native.Audit) {
    this.#native = handle;
  }

  /** Reads rows of this project's chain: at most `limit`, and 8 MiB of text. */
  query(options?: AuditQuery): Promise<readonly AuditRecord[]> {
    return soon(() => this.#native.query(given("options", options)), records);
  }

  /** As `query`, waiting. */
  querySync(options?: AuditQuery): readonly AuditRecord[] {
    return now(() => this.#native.querySync(given("options", options)), records);
  }

  /** Recomputes the chain and compares it with the signed heads and, if given, an outside anchor. */
  verify(anchor?: AuditHead | string | null): Promise<VerifyReport> {
    return soon(() => this.#native.verify(line(anchor)), report);
  }

  /** As `verify`, waiting. */
  verifySync(anchor?: AuditHead | string | null): VerifyReport {
    return now(() => this.#native.verifySync(line(anchor)), report);
  }

  /** A freshly signed head: print it, keep it elsewhere, and give it to `verify` later. */
  head(): Promise<AuditHead> {
    return soon(() => this.#native.head(), head);
  }

  /** As `head`, waiting. */
  headSync(): AuditHead {
    return now(() => this.#native.headSync(), head);
  }
}

function line(anchor: AuditHead | string | null | undefined): string | undefined {
  if (anchor === undefined || anchor === null || typeof anchor === "string") return anchor ?? undefined;
  // Any head: of this module, or of another copy of it in this process.
  if (typeof anchor === "object" && typeof anchor.toText === "function") return anchor.toText();
  throw new InvalidArgument("`anchor` is neither an audit head nor its text", { code: "anchor_invalid" });
}
