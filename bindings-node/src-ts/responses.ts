// What guard calls answer. Every class is a view of wire JSON: a field is converted when it is read.

import { now } from "./calls.js";
import { DetectorResult, Signal } from "./detections.js";
import { BlockedError } from "./errors.js";
import { DebugInfo, OptimizationReport, RootCause } from "./explanations.js";
import native from "./native.js";
import type { Mode } from "./operations/index.js";
import type { JsonObject } from "./requests.js";
import { Value } from "./value.js";

/** The outcome of a guard call. */
export type Decision = "allow" | "modify" | "step_up" | "defer" | "deny";

interface Blocked {
  readonly message: string;
  readonly code: string;
  readonly retry_after_ms?: number;
}

interface Readings {
  readonly allowed: boolean;
  readonly denied: boolean;
  readonly suspended: boolean;
  readonly blocked?: Blocked;
}

/** Beside the responses, which are frozen. */
const READINGS = new WeakMap<GuardResponse, Readings>();

/** A policy that decided, or would have. */
export class DeterminingPolicy extends Value {
  /** The `@id` annotation, else the policy's name. Not unique across tenants. */
  get ruleId(): string {
    return this.field("rule_id");
  }

  /** Annotations without a meaning of their own. */
  get annotations(): Readonly<Record<string, string>> {
    return this.field("annotations", {});
  }

  /** `@category`. */
  get category(): string | undefined {
    return this.field("category");
  }

  /** `permit` or `forbid`. */
  get effect(): string | undefined {
    return this.field("effect");
  }

  /** The policy's own mode. */
  get mode(): string | undefined {
    return this.field("mode");
  }

  /** `layer/name#index`: unique within the scope. */
  get policyId(): string | undefined {
    return this.field("policy_id");
  }

  /** The name it was put under. */
  get policyName(): string | undefined {
    return this.field("policy_name");
  }

  /** `@severity`. */
  get severity(): string | undefined {
    return this.field("severity");
  }

  /** `@tags`. */
  get tags(): readonly string[] | undefined {
    return this.field("tags");
  }

  protected override get shown(): readonly string[] {
    return ["ruleId", "effect", "mode"];
  }
}

/** Who acted, as far as the credential told. */
export class AgentIdentity extends Value {
  /** How the caller proved who it is. */
  get authMethod(): string {
    return this.field("auth_method");
  }

  /** The id in the caller's own system. */
  get externalId(): string {
    return this.field("external_id");
  }

  /** The kind of agent. */
  get subType(): string {
    return this.field("sub_type");
  }

  /** How far the identity is trusted. */
  get trustLevel(): string {
    return this.field("trust_level");
  }

  /** The identity's class. */
  get identityType(): string | undefined {
    return this.field("identity_type");
  }

  protected override get shown(): readonly string[] {
    return ["authMethod", "externalId"];
  }
}

/** What this turn adds to its session. */
export class SessionDelta extends Value {
  /** Turns so far, this one included. */
  get turnCount(): number {
    return this.field("turn_count");
  }

  /** Sum of each turn's highest score. */
  get cumulativeRisk(): number {
    return this.field("cumulative_risk");
  }

  protected override get shown(): readonly string[] {
    return ["turnCount", "cumulativeRisk"];
  }
}

/** One rewritten span. Offsets are UTF-8 bytes into the original, end exclusive. */
export class RedactionEntry extends Value {
  /** First byte. */
  get startPos(): number {
    return this.field("start_pos");
  }

  /** One past the last byte. */
  get endPos(): number {
    return this.field("end_pos");
  }

  /** What stood there, or `""` where the tenant keeps originals out of responses. */
  get original(): string {
    return this.field("original");
  }

  /** What stands there now. */
  get replacement(): string {
    return this.field("replacement");
  }

  /** What was found, e.g. `credit_card`. */
  get type(): string {
    return this.field("type");
  }

  protected override get shown(): readonly string[] {
    return ["type", "startPos", "endPos"];
  }
}

/** The answer to a guard call. */
export class GuardResponse extends Value {
  /** The decision to act on. */
  get decision(): Decision {
    return this.field("decision");
  }

  /** This call's id, also in the audit trail. */
  get requestId(): string {
    return this.field("request_id");
  }

  /** When the call arrived, RFC 3339 in UTC. */
  get timestamp(): string {
    return this.field("timestamp");
  }

  /** How long the call took, in whole milliseconds. */
  get latencyMs(): number {
    return this.field("latency_ms");
  }

  /** What was found, most severe first. */
  get signals(): readonly Signal[] {
    return this.parts("signals", Signal) ?? [];
  }

  /** The unmodified decision where a mode changed it. */
  get actualDecision(): Decision | undefined {
    return this.field("actual_decision");
  }

  /** Whether a policy fired in alert mode. */
  get alerted(): boolean | undefined {
    return this.field("alerted");
  }

  /** The mode in force. */
  get effectiveMode(): Mode | undefined {
    return this.field("effective_mode");
  }

  /** Whether a mode changed the outcome, or the floor changed the mode. */
  get modeOverridden(): boolean | undefined {
    return this.field("mode_overridden");
  }

  /** Why. */
  get modeReason(): string | undefined {
    return this.field("mode_reason");
  }

  /** Why the decision is what it is, for a person. */
  get policyReason(): string | undefined {
    return this.field("policy_reason");
  }

  /** The policies that decided. */
  get determiningPolicies(): readonly DeterminingPolicy[] {
    return this.parts("determining_policies", DeterminingPolicy) ?? [];
  }

  /** The content with findings rewritten; absent when redaction did not run. */
  get redactedContent(): string | undefined {
    return this.field("redacted_content");
  }

  /** What was rewritten in `content`. */
  get redactionEntries(): readonly RedactionEntry[] {
    return this.parts("redaction_entries", RedactionEntry) ?? [];
  }

  /** The tool arguments with findings rewritten in place; absent when redaction did not run or changed none. */
  get redactedArguments(): JsonObject | undefined {
    return this.field("redacted_arguments");
  }

  /** Errors of policies that could not be evaluated, in one line. */
  get evalErrors(): string | undefined {
    return this.field("eval_errors");
  }

  /** What this turn adds to its session. */
  get sessionDelta(): SessionDelta | undefined {
    return this.part("session_delta", SessionDelta);
  }

  /** Who acted. */
  get agentIdentity(): AgentIdentity | undefined {
    return this.part("agent_identity", AgentIdentity);
  }

  /** A stable code for a decision that no policy made, e.g. `limit_exceeded`. */
  get code(): string | undefined {
    return this.field("code");
  }

  /** What was not at full strength, e.g. `dev_mode`. */
  get degraded(): readonly string[] {
    return this.field("degraded", []);
  }

  /** When a retry may pass a limit, in milliseconds. */
  get retryAfterMs(): number | undefined {
    return this.field("retry_after_ms");
  }

  /** The limit that was exceeded. */
  get limitId(): string | undefined {
    return this.field("limit_id");
  }

  /** Metadata keys that contradicted verified facts and were dropped. */
  get contextConflict(): readonly string[] {
    return this.field("context_conflict", []);
  }

  /** Policies that could not be evaluated. */
  get policyError(): readonly string[] {
    return this.field("policy_error", []);
  }

  /** The version of the policies in force. */
  get policyVersion(): string | undefined {
    return this.field("policy_version");
  }

  /** Debug tier: what each detector did. */
  get detectors(): readonly DetectorResult[] | undefined {
    return this.parts("detectors", DetectorResult);
  }

  /** Debug tier: every raw key. */
  get context(): JsonObject | undefined {
    return this.field("context");
  }

  /** Debug tier: who was asked about what. */
  get debugInfo(): DebugInfo | undefined {
    return this.part("debug_info", DebugInfo);
  }

  /** Explain tier: the keys policies could read. */
  get projectedContext(): JsonObject | undefined {
    return this.field("projected_context");
  }

  /** Explain tier: time spent in policies, in whole milliseconds. */
  get evalLatencyMs(): number | undefined {
    return this.field("eval_latency_ms");
  }

  /** Explain tier: detector tiers that ran. */
  get tiersEvaluated(): readonly string[] | undefined {
    return this.field("tiers_evaluated");
  }

  /** With `optimize`: which detectors run, and why. With `dryrun` too, all there is. */
  get optimization(): OptimizationReport | undefined {
    return this.part("optimization", OptimizationReport);
  }

  /** Explain tier: detector tiers that did not. */
  get tiersSkipped(): readonly string[] | undefined {
    return this.field("tiers_skipped");
  }

  /** Explain tier: findings behind the decision. */
  get rootCauses(): readonly RootCause[] | undefined {
    return this.parts("root_causes", RootCause);
  }

  /** Whether the call may proceed (`allow` or `modify`). */
  get allowed(): boolean {
    return this.#read().allowed;
  }

  /** Whether the call must not proceed. */
  get denied(): boolean {
    return this.#read().denied;
  }

  /** Whether the call waits for somebody (`step_up` or `defer`). */
  get suspended(): boolean {
    return this.#read().suspended;
  }

  /** `content` as it may be passed on: rewritten where the decision is `modify`. */
  passedOn(content: string): string {
    return now(() => native.passedOn(this.json, content), (text) => text);
  }

  /** Throws `BlockedError` unless the call may proceed. */
  raiseForDenied(): void {
    if (!this.allowed) throw new BlockedError(this);
  }

  /** @internal */
  get blocked(): Blocked | undefined {
    return this.#read().blocked;
  }

  // The core reads its own answer: what a decision means is no rule of this package.
  #read(): Readings {
    let readings = READINGS.get(this);
    if (readings === undefined) {
      readings = now(() => native.readings(this.json), (text) => JSON.parse(text) as Readings);
      READINGS.set(this, readings);
    }
    return readings;
  }

  protected override get shown(): readonly string[] {
    return ["decision", "requestId", "policyReason"];
  }
}
