/**
 * Tenantry: the boundary between the customers of an AI product, in your process.
 *
 * @packageDocumentation
 */

export * from "./client.js";
export * from "./detections.js";
export * from "./explanations.js";
export * from "./guard.js";
export * from "./limits.js";
export * from "./operations/index.js";
export type { Page } from "./page.js";
export type * from "./requests.js";
export * from "./responses.js";
export * from "./shield.js";
export {
  BlockedError,
  Cancelled,
  Conflict,
  Data,
  Internal,
  InvalidArgument,
  NotFound,
  PermissionDenied,
  QuotaExceeded,
  RateLimited,
  TenantryError,
  Timeout,
  Unauthenticated,
  Unavailable,
} from "./errors.js";
export type { ErrorDetails } from "./errors.js";
