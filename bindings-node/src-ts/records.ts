// What admin, usage, policy, limit, settings and audit calls answer; views of wire JSON as in `responses.ts`.

import { now } from "./calls.js";
import native from "./native.js";
import type { AuditClass, JsonObject, Layer, LimitKey, Mode, OnExceed } from "./requests.js";
import { Value } from "./value.js";

/** Whether a tenant may be acted in. */
export type Status = "active" | "suspended";

/** A customer organisation. */
export class Account extends Value {
  /** The external id. */
  get id(): string {
    return this.field("id");
  }

  /** The internal, never reused id. */
  get uid(): string {
    return this.field("uid");
  }

  /** Whether calls are decided. */
  get status(): Status {
    return this.field("status");
  }

  /** Creation time, RFC 3339 in UTC. */
  get createdAt(): string {
    return this.field("created_at");
  }

  /** The commercial tier; `""` when not set. */
  get tier(): string {
    return this.field("tier", "");
  }

  /** The plan; `""` when not set. */
  get plan(): string {
    return this.field("plan", "");
  }

  /** Where its data lives; `""` when not set. */
  get region(): string {
    return this.field("region", "");
  }

  /** Free labels. */
  get labels(): readonly string[] {
    return this.field("labels", []);
  }

  protected override get shown(): readonly string[] {
    return ["id", "status"];
  }
}

/** A workspace of an account. */
export class Project extends Value {
  /** The external id, unique within the account. */
  get id(): string {
    return this.field("id");
  }

  /** The account it belongs to. */
  get accountId(): string {
    return this.field("account_id");
  }

  /** The internal, never reused id. */
  get uid(): string {
    return this.field("uid");
  }

  /** Whether calls are decided. */
  get status(): Status {
    return this.field("status");
  }

  /** Creation time, RFC 3339 in UTC. */
  get createdAt(): string {
    return this.field("created_at");
  }

  /** The commercial tier; `""` when not set. */
  get tier(): string {
    return this.field("tier", "");
  }

  /** The plan; `""` when not set. */
  get plan(): string {
    return this.field("plan", "");
  }

  /** Where its data lives; `""` when not set. */
  get region(): string {
    return this.field("region", "");
  }

  /** Free labels. */
  get labels(): readonly string[] {
    return this.field("labels", []);
  }

  protected override get shown(): readonly string[] {
    return ["accountId", "id", "status"];
  }
}

/** What `usage.report` came to. */
export class UsageReceipt extends Value {
  /** What the call cost, in millionths of a US dollar; 0 when the price book does not know the model. */
  get costMicros(): number {
    return this.field("cost_micros");
  }

  /** Whether the price book knows the model. */
  get priced(): boolean {
    return this.field("priced");
  }

  /** Whether it was written down now; false for a repetition. */
  get recorded(): boolean {
    return this.field("recorded");
  }

  /** Whether reports of this call said different things. The larger of them counts. */
  get differs(): boolean {
    return this.field("differs", false);
  }

  protected override get shown(): readonly string[] {
    return ["costMicros", "priced", "recorded"];
  }
}

/** What `policies.put` did and what it noticed. */
export class PolicyReceipt extends Value {
  /** The name it was put under. */
  get name(): string {
    return this.field("name");
  }

  /** Policies the text holds. */
  get policyCount(): number {
    return this.field("policy_count");
  }

  /** Baseline permits it retired, by action. */
  get retiredBaseline(): readonly string[] {
    return this.field("retired_baseline", []);
  }

  /** Metadata keys it reads, with the type inferred for each. */
  get metadataKeys(): Readonly<Record<string, string>> {
    return this.field("metadata_keys", {});
  }

  /** What a reviewer should look at; none of it refuses the policy. */
  get warnings(): readonly string[] {
    return this.field("warnings", []);
  }

  protected override get shown(): readonly string[] {
    return ["name", "policyCount", "warnings"];
  }
}

/** A policy in force. */
export class PolicySummary extends Value {
  /** The name it was put under. */
  get name(): string {
    return this.field("name");
  }

  /** Where it is attached. */
  get layer(): Layer {
    return this.field("layer");
  }

  /** Its mode. */
  get mode(): Mode {
    return this.field("mode");
  }

  /** Whether its layer bounds every layer below. */
  get ceiling(): boolean {
    return this.field("ceiling");
  }

  /** The `@id` of each policy in the text, or its generated id. */
  get ruleIds(): readonly string[] {
    return this.field("rule_ids");
  }

  /** Whether a project permit retires it now (baseline permits only). */
  get retired(): boolean {
    return this.field("retired", false);
  }

  /** The Cedar text. */
  get text(): string {
    return this.field("text");
  }

  protected override get shown(): readonly string[] {
    return ["name", "layer", "mode"];
  }
}

/** A rate limit in force. */
export class LimitSpec extends Value {
  /** The id, unique within the layer. */
  get id(): string {
    return this.field("id");
  }

  /** Calls allowed in each period; also the largest burst. */
  get rate(): number {
    return this.field("rate");
  }

  /** The period in milliseconds. */
  get perMs(): number {
    return this.field("per_ms");
  }

  /** What is counted. */
  get key(): LimitKey {
    return this.field("key");
  }

  /** The action whose calls alone are counted; `""` for all. */
  get action(): string {
    return this.field("action", "");
  }

  /** What happens beyond the rate. */
  get onExceed(): OnExceed {
    return this.field("on_exceed");
  }

  /** The longest wait in line, in milliseconds. */
  get maxWaitMs(): number {
    return this.field("max_wait_ms");
  }

  /** Where it is attached. */
  get layer(): Layer {
    return this.field("layer");
  }

  /** Whether it is counted across the processes that share the data folder. */
  get shared(): boolean {
    return this.field("shared", false);
  }

  protected override get shown(): readonly string[] {
    return ["id", "rate", "perMs", "key", "onExceed", "layer"];
  }
}

/** What a project may tune. */
export class Settings extends Value {
  /** Callers may not ask for a laxer mode than this. */
  get modeFloor(): Mode {
    return this.field("mode_floor");
  }

  /** How strongly the audit trail is kept. */
  get auditClass(): AuditClass {
    return this.field("audit_class");
  }

  /** Whether redaction entries carry the original text. */
  get redactionOriginals(): boolean {
    return this.field("redaction_originals");
  }

  /** How long an idle session is remembered, in seconds. */
  get sessionTtlSeconds(): number {
    return this.field("session_ttl_seconds");
  }

  /** Metadata keys the project declares by hand, each with its type. */
  get metadataKeys(): Readonly<Record<string, string>> {
    return this.field("metadata_keys", {});
  }

  protected override get shown(): readonly string[] {
    return ["modeFloor", "auditClass", "redactionOriginals", "sessionTtlSeconds"];
  }
}

/** One row of a project's chain. */
export class AuditRecord extends Value {
  /** Position in the chain, from 1, without gaps. */
  get sequence(): number {
    return this.field("sequence");
  }

  /** When it happened, RFC 3339 in UTC. */
  get at(): string {
    return this.field("at");
  }

  /** `decision`, `error`, or an admin event such as `policy.put`. */
  get kind(): string {
    return this.field("kind");
  }

  /** The call's id, or the admin operation's. */
  get requestId(): string {
    return this.field("request_id");
  }

  /** The decision, for guard calls. */
  get decision(): string | undefined {
    return this.field("decision");
  }

  /** The rest. Content is a keyed hash, never text. */
  get body(): JsonObject {
    return this.field("body");
  }

  /** This row's hash, hexadecimal. */
  get hash(): string {
    return this.field("hash");
  }

  /** The hash of the row before, hexadecimal. */
  get previous(): string {
    return this.field("previous");
  }

  protected override get shown(): readonly string[] {
    return ["sequence", "at", "kind", "requestId", "decision"];
  }
}

/**
 * A signed statement of how long a chain is and what its last row hashes to.
 *
 * Its text is one line to print and keep elsewhere; `audit.verify` takes it back as an outside anchor.
 */
export class AuditHead extends Value {
  /** The scope's internal id. */
  get scope(): string {
    return this.field("scope");
  }

  /** The last row's sequence; 0 for an empty chain. */
  get sequence(): number {
    return this.field("sequence");
  }

  /** The last row's hash, hexadecimal. */
  get hash(): string {
    return this.field("hash");
  }

  /** When it was signed, microseconds since 1970. */
  get at(): number {
    return this.field("at");
  }

  /** Which key signed. */
  get keyId(): string {
    return this.field("key_id");
  }

  /** Ed25519 signature, base64url. */
  get signature(): string {
    return this.field("signature");
  }

  /** One printable line. */
  toText(): string {
    return now(() => native.headLine(this.json), (line) => line);
  }

  override toString(): string {
    return this.toText();
  }

  protected override get shown(): readonly string[] {
    return ["scope", "sequence", "hash"];
  }
}

/** What `audit.verify` found. */
export class VerifyReport extends Value {
  /** Whether the chain is whole as far as it can be checked. */
  get ok(): boolean {
    return this.field("ok");
  }

  /** Rows checked. */
  get rows(): number {
    return this.field("rows");
  }

  /** The sequence covered by the newest signed head; later rows are chained but not yet covered. */
  get headSequence(): number {
    return this.field("head_sequence");
  }

  /** Everything that is wrong, in order. */
  get problems(): readonly string[] {
    return this.field("problems", []);
  }

  protected override get shown(): readonly string[] {
    return ["ok", "rows", "problems"];
  }
}
