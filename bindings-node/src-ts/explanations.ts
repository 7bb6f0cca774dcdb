// The parts of a guard answer that explain it, for its debug and explain tiers; views of wire JSON as in `responses.ts`.

import type { JsonObject } from "./requests.js";
import { Value } from "./value.js";

/** Who was asked, about what, with which policies (debug tier). */
export class DebugInfo extends Value {
  /** The Cedar action. */
  get action(): string {
    return this.field("action");
  }

  /** Policies in force. */
  get loadedPolicyCount(): number {
    return this.field("loaded_policy_count");
  }

  /** The Cedar namespace. */
  get namespace(): string {
    return this.field("namespace");
  }

  /** The principal's id. */
  get principalId(): string {
    return this.field("principal_id");
  }

  /** The principal's entity type. */
  get principalType(): string {
    return this.field("principal_type");
  }

  /** The policy product. */
  get product(): string {
    return this.field("product");
  }

  /** The resource's id. */
  get resourceId(): string {
    return this.field("resource_id");
  }

  /** The resource's entity type. */
  get resourceType(): string {
    return this.field("resource_type");
  }

  /** Whose call it was. */
  get tenant(): DebugTenant {
    return new DebugTenant(JSON.stringify(this.field("tenant")));
  }

  /** Principal, resource and what encloses them, as policies see them. */
  get entities(): readonly DebugEntity[] {
    return this.parts("entities", DebugEntity) ?? [];
  }

  protected override get shown(): readonly string[] {
    return ["principalType", "principalId", "action", "resourceType", "resourceId"];
  }
}

/** An entity of a call (debug tier). */
export class DebugEntity extends Value {
  /** Its id. */
  get id(): string {
    return this.field("id");
  }

  /** Its Cedar type. */
  get type(): string {
    return this.field("type");
  }

  /** What it lies in, as `Type::"id"`. */
  get parents(): readonly string[] {
    return this.field("parents");
  }

  protected override get shown(): readonly string[] {
    return ["type", "id"];
  }
}

/** The scope of a call (debug tier). */
export class DebugTenant extends Value {
  /** The account. */
  get accountId(): string {
    return this.field("account_id");
  }

  /** The application; equal to the project here. */
  get applicationId(): string {
    return this.field("application_id");
  }

  /** The project. */
  get projectId(): string {
    return this.field("project_id");
  }

  protected override get shown(): readonly string[] {
    return ["accountId", "projectId"];
  }
}

/** Why a call was stopped, in terms of what was found (explain tier). */
export class RootCause extends Value {
  /** The detector behind it. */
  get detector(): string {
    return this.field("detector");
  }

  /** One sentence. */
  get summary(): string {
    return this.field("summary");
  }

  /** The keys and values that made the policies fire. */
  get triggeringContext(): JsonObject {
    return this.field("triggering_context");
  }

  /** The policies that read them. */
  get triggeredPolicies(): readonly string[] | undefined {
    return this.field("triggered_policies");
  }

  protected override get shown(): readonly string[] {
    return ["detector", "summary"];
  }
}

/** Whether a detector runs, and why. */
export class DetectorPlanEntry extends Value {
  /** The detector's name. */
  get name(): string {
    return this.field("name");
  }

  /** `policy_required`, `always_run` (somebody asked for it, or all run) or `not_required`. */
  get reason(): string {
    return this.field("reason");
  }

  /** The tier it runs in. */
  get tier(): string {
    return this.field("tier");
  }

  protected override get shown(): readonly string[] {
    return ["name", "reason"];
  }
}

/** Which detectors a call with `optimize` runs, and why. */
export class OptimizationReport extends Value {
  /** Whether all detectors run after all. */
  get fallbackToAll(): boolean {
    return this.field("fallback_to_all");
  }

  /** Why the plan is what it is, for a person. */
  get reason(): string {
    return this.field("reason");
  }

  /** The policies that are asked about this action, as `layer/name`; the first thousand of them. */
  get activePolicies(): readonly string[] {
    return this.field("active_policies", []);
  }

  /** The context keys they read. */
  get requiredContextKeys(): readonly string[] {
    return this.field("required_context_keys", []);
  }

  /** The detectors that run. */
  get requiredDetectors(): readonly DetectorPlanEntry[] {
    return this.parts("required_detectors", DetectorPlanEntry) ?? [];
  }

  /** Those that do not. */
  get skippedDetectors(): readonly DetectorPlanEntry[] {
    return this.parts("skipped_detectors", DetectorPlanEntry) ?? [];
  }

  protected override get shown(): readonly string[] {
    return ["fallbackToAll", "reason"];
  }
}
