/**
 * Tenantry: the boundary between the customers of an AI product, in your process.
 *
 * @packageDocumentation
 */

export * from "./admin.js";
export * from "./client.js";
export * from "./credentials.js";
export * from "./detections.js";
export * from "./explanations.js";
export * from "./guard.js";
export * from "./identity.js";
export * from "./records.js";
export type * from "./requests.js";
export * from "./responses.js";
export * from "./rooms.js";
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
