// What detectors found and did; views of wire JSON as in `responses.ts`.

import type { JsonObject } from "./requests.js";
import { Value } from "./value.js";

/** How bad a finding is. */
export type Severity = "none" | "low" | "medium" | "high" | "critical";

/** What a detector reports to people. */
export class Signal extends Value {
  /** The family, e.g. `privacy`. */
  get category(): string {
    return this.field("category");
  }

  /** The context key policies read for it. */
  get contextKey(): string {
    return this.field("context_key");
  }

  /** A readable name. */
  get name(): string {
    return this.field("name");
  }

  /** 0 to 100; boolean detectors report 100. */
  get score(): number {
    return this.field("score");
  }

  /** How bad it is. */
  get severity(): Severity {
    return this.field("severity");
  }

  /** The entry of the OWASP Top 10 for LLM applications (2025) it belongs to. */
  get vulnerabilityId(): string {
    return this.field("vulnerability_id");
  }

  protected override get shown(): readonly string[] {
    return ["name", "category", "score", "severity"];
  }
}

/** What one detector did (debug tier). */
export class DetectorResult extends Value {
  /** The detector's id. */
  get name(): string {
    return this.field("name");
  }

  /** `ok`, `not_run` or `error`. */
  get status(): string {
    return this.field("status");
  }

  /** `fast`, `standard` or `slow`. */
  get tier(): string {
    return this.field("tier");
  }

  /** How long it took, in whole milliseconds. */
  get latencyMs(): number {
    return this.field("latency_ms");
  }

  /** The raw keys it emitted. */
  get context(): JsonObject {
    return this.field("context");
  }

  /** What went wrong. */
  get error(): string | undefined {
    return this.field("error");
  }

  protected override get shown(): readonly string[] {
    return ["name", "status", "tier"];
  }
}

/** What `guard.detect` answers: no policy, no limit, nothing remembered. */
export class DetectResponse extends Value {
  /** Every raw key. */
  get context(): JsonObject {
    return this.field("context");
  }

  /** How long it took, in whole milliseconds. */
  get latencyMs(): number {
    return this.field("latency_ms");
  }

  /** What each detector did. */
  get detectors(): readonly DetectorResult[] {
    return this.parts("detectors", DetectorResult) ?? [];
  }

  /** What was found, most severe first. */
  get signals(): readonly Signal[] {
    return this.parts("signals", Signal) ?? [];
  }

  /** Detector tiers that ran. */
  get tiersEvaluated(): readonly string[] {
    return this.field("tiers_evaluated", []);
  }

  /** What was not at full strength: `detector_absent: NAME`. */
  get degraded(): readonly string[] {
    return this.field("degraded", []);
  }

  protected override get shown(): readonly string[] {
    return ["latencyMs", "tiersEvaluated"];
  }
}
