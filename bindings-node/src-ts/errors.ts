// What can go wrong, as errors: one class per family, the same closed set in every language. A denial is an answer and
// never one of these families; `raiseForDenied` and `Shield` turn it into `BlockedError`.

import type { GuardResponse } from "./responses.js";

/** What an error says besides its message. */
export interface ErrorDetails {
  readonly code?: string | undefined;
  readonly help?: string | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly policy?: string | undefined;
  readonly line?: number | undefined;
  readonly column?: number | undefined;
}

/** Anything Tenantry throws. */
export class TenantryError extends Error {
  /** The family's name. */
  readonly kind: string = "TenantryError";
  /** Stable and machine-readable, e.g. `scope_id_invalid`. */
  readonly code: string;
  /** What to do about it, if known. */
  declare readonly help?: string;
  /** Milliseconds until a retry may succeed. */
  declare readonly retryAfterMs?: number;
  /** The policy whose text it is about. */
  declare readonly policy?: string;
  /** The line of that text, from 1. */
  declare readonly line?: number;
  /** The column, in characters from 1. */
  declare readonly column?: number;

  /**
   * `message` is one sentence, without the help line. Of a policy's text, the line it stands in follows, and a caret below it.
   */
  constructor(message: string, details: ErrorDetails = {}) {
    super(message);
    this.code = details.code ?? "";
    if (details.help !== undefined) this.help = details.help;
    if (details.retryAfterMs !== undefined) this.retryAfterMs = details.retryAfterMs;
    if (details.policy !== undefined) this.policy = details.policy;
    if (details.line !== undefined) this.line = details.line;
    if (details.column !== undefined) this.column = details.column;
  }

  /** `Name: message (code); help`. */
  override toString(): string {
    const code = this.code === "" ? "" : ` (${this.code})`;
    const help = this.help === undefined ? "" : `; ${this.help}`;
    const end = this.message.indexOf("\n");
    const sentence = end < 0 ? this.message : this.message.slice(0, end);
    return `${this.name}: ${sentence}${code}${help}${this.message.slice(sentence.length)}`;
  }
}

/** The input is not acceptable; the same call can never succeed. */
export class InvalidArgument extends TenantryError {
  override readonly kind = "InvalidArgument";
}

/** No credential, or one that could not be verified. */
export class Unauthenticated extends TenantryError {
  override readonly kind = "Unauthenticated";
}

/** The credential is good but does not reach this far. */
export class PermissionDenied extends TenantryError {
  override readonly kind = "PermissionDenied";
}

/** The object does not exist in this scope (or exists in another one: the answer is the same). */
export class NotFound extends TenantryError {
  override readonly kind = "NotFound";
}

/** The object exists already, or was changed meanwhile. */
export class Conflict extends TenantryError {
  override readonly kind = "Conflict";
}

/** A rate was exceeded. Only `limits.acquire` and admin calls throw it. */
export class RateLimited extends TenantryError {
  override readonly kind = "RateLimited";
}

/** A cap on stored objects was reached. */
export class QuotaExceeded extends TenantryError {
  override readonly kind = "QuotaExceeded";
}

/** The deadline passed. */
export class Timeout extends TenantryError {
  override readonly kind = "Timeout";
}

/** The caller gave up. */
export class Cancelled extends TenantryError {
  override readonly kind = "Cancelled";
}

/** Something needed for a decision is out of reach; retrying may help. */
export class Unavailable extends TenantryError {
  override readonly kind = "Unavailable";
}

/** Stored data is not what it should be. */
export class Data extends TenantryError {
  override readonly kind = "Data";
}

/** A defect in Tenantry. */
export class Internal extends TenantryError {
  override readonly kind = "Internal";
}

const FAMILIES: Readonly<Record<string, new (message: string, details: ErrorDetails) => TenantryError>> = {
  InvalidArgument,
  Unauthenticated,
  PermissionDenied,
  NotFound,
  Conflict,
  RateLimited,
  QuotaExceeded,
  Timeout,
  Cancelled,
  Unavailable,
  Data,
  Internal,
};

/** A guard call did not let the action proceed: denied, or suspended until somebody approves. */
export class BlockedError extends TenantryError {
  override readonly kind = "BlockedError";
  /** The whole answer. */
  readonly response: GuardResponse;

  constructor(response: GuardResponse) {
    const blocked = response.blocked ?? { message: "blocked", code: response.decision };
    super(blocked.message, { code: blocked.code, retryAfterMs: blocked.retry_after_ms });
    this.response = response;
  }
}

// On the prototypes and not on each error, as the names of built-in errors are.
for (const family of [TenantryError, BlockedError, ...Object.values(FAMILIES)]) {
  Object.defineProperty(family.prototype, "name", { value: family.name, configurable: true, writable: true });
}

/** What the native half throws: this, as JSON, in the message of a plain error. */
interface Payload extends ErrorDetails {
  readonly kind: string;
  readonly message: string;
}

/** The error to throw for what the native half threw. What is not its own (thrown by a caller's getter) stays. */
export function translated(error: unknown): unknown {
  const payload = payloadOf(error);
  const family = payload !== undefined && Object.hasOwn(FAMILIES, payload.kind) ? FAMILIES[payload.kind] : undefined;
  return family === undefined || payload === undefined ? error : new family(payload.message, payload);
}

function payloadOf(error: unknown): Payload | undefined {
  if (!(error instanceof Error) || !error.message.startsWith('{"kind":')) return undefined;
  try {
    return JSON.parse(error.message) as Payload;
  } catch {
    return undefined;
  }
}
