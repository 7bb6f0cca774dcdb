// Written by core/gen from the table of operations; do not edit.

// How the fields of what operations take are read: their names on the wire, and what they hold.

import type { Fields } from "../fields.js";
import { flag, head, integer, listOf, mapOf, object, part, period, since, text } from "../fields.js";

/** A fingerprint of the table of operations; the native library tells its own. */
export const HASH = "0b9c6d7664d953ad";

/** `AuditAnchor`. */
export const auditAnchor: Fields = {
  anchor: ["anchor", head],
};

/** `AuditQuery`. */
export const auditQuery: Fields = {
  since: ["since", since],
  before: ["before", integer],
  order: ["order", text],
  limit: ["limit", integer],
};

/** `ClaimPaths`. */
export const claimPaths: Fields = {
  account: ["account", text],
  project: ["project", text],
  roles: ["roles", text],
  scopes: ["scopes", text],
};

/** `Facts`. */
export const facts: Fields = {
  tier: ["tier", text],
  plan: ["plan", text],
  region: ["region", text],
  labels: ["labels", listOf(text)],
};

/** `Issuer`. */
export const issuer: Fields = {
  issuer: ["issuer", text],
  audience: ["audience", listOf(text)],
  accounts: ["accounts", listOf(text)],
  audienceClaim: ["audience_claim", text],
  algorithms: ["algorithms", listOf(text)],
  jwksUrl: ["jwks_url", text],
  jwks: ["jwks", object],
  secret: ["secret", text],
  secretBase64: ["secret_base64", text],
  privateNetwork: ["private_network", flag],
  leewaySeconds: ["leeway_seconds", integer],
  project: ["project", text],
  claims: ["claims", part(claimPaths)],
  principalPrefix: ["principal_prefix", text],
};

/** `KeyOptions`. */
export const keyOptions: Fields = {
  accountId: ["account_id", text],
  projectId: ["project_id", text],
  scopes: ["scopes", listOf(text)],
  type: ["type", text],
  subject: ["subject", text],
  expiresInSeconds: ["expires_in_seconds", integer],
  prefix: ["prefix", text],
  importSha256: ["import_sha256", text],
  description: ["description", text],
  environment: ["environment", text],
};

/** `KeyQuery`. */
export const keyQuery: Fields = {
  accountId: ["account_id", text],
  projectId: ["project_id", text],
};

/** `LayerOptions`. */
export const layerOptions: Fields = {
  layer: ["layer", text],
};

/** `Limit`. */
export const limit: Fields = {
  id: ["id", text],
  rate: ["rate", integer],
  per: ["per_ms", period],
  perMs: ["per_ms", integer],
  key: ["key", text],
  action: ["action", text],
  onExceed: ["on_exceed", text],
  maxWaitMs: ["max_wait_ms", integer],
  layer: ["layer", text],
  shared: ["shared", flag],
};

/** `NewGrant`. */
export const newGrant: Fields = {
  fromAccount: ["from_account", text],
  toAccount: ["to_account", text],
  toProject: ["to_project", text],
  actions: ["actions", listOf(text)],
  expiresInSeconds: ["expires_in_seconds", integer],
  reason: ["reason", text],
  fromProject: ["from_project", text],
};

/** `NewPolicy`. */
export const newPolicy: Fields = {
  name: ["name", text],
  text: ["text", text],
  mode: ["mode", text],
  layer: ["layer", text],
  ceiling: ["ceiling", flag],
};

/** `NewAutoProvision`. */
export const newAutoProvision: Fields = {
  enabled: ["enabled", flag],
  maxAccounts: ["max_accounts", integer],
  perMinute: ["per_minute", integer],
  facts: ["facts", part(facts)],
  policies: ["policies", listOf(part(newPolicy))],
  limits: ["limits", listOf(part(limit))],
};

/** `NewIdentitySettings`. */
export const newIdentitySettings: Fields = {
  issuer: ["issuer", text],
  trustDomain: ["trust_domain", text],
  keyPrefix: ["key_prefix", text],
  accessTokenSeconds: ["access_token_seconds", integer],
  refreshTokenSeconds: ["refresh_token_seconds", integer],
  maxKeys: ["max_keys", integer],
  roles: ["roles", mapOf(listOf(text))],
  autoProvision: ["auto_provision", part(newAutoProvision)],
};

/** `PolicyOptions`. */
export const policyOptions: Fields = {
  mode: ["mode", text],
  layer: ["layer", text],
  ceiling: ["ceiling", flag],
};

/** `RotateOptions`. */
export const rotateOptions: Fields = {
  overlapSeconds: ["overlap_seconds", integer],
};

/** `SettingsChange`. */
export const settingsChange: Fields = {
  modeFloor: ["mode_floor", text],
  auditClass: ["audit_class", text],
  redactionOriginals: ["redaction_originals", flag],
  sessionTtlSeconds: ["session_ttl_seconds", integer],
  metadataKeys: ["metadata_keys", mapOf(text)],
};

/** `TokenOptions`. */
export const tokenOptions: Fields = {
  type: ["type", text],
  accountId: ["account_id", text],
  projectId: ["project_id", text],
  roles: ["roles", listOf(text)],
  scopes: ["scopes", listOf(text)],
  refresh: ["refresh", flag],
};

/** `TokenRequest`. */
export const tokenRequest: Fields = {
  grantType: ["grant_type", text],
  apiKey: ["api_key", text],
  refreshToken: ["refresh_token", text],
  scope: ["scope", text],
  accountId: ["account_id", text],
  projectId: ["project_id", text],
};

/** `UsageReport`. */
export const usageReport: Fields = {
  provider: ["model.provider", text],
  model: ["model.model", text],
  inputTokens: ["model.input_tokens", integer],
  outputTokens: ["model.output_tokens", integer],
  cacheReadTokens: ["model.cache_read_tokens", integer],
  cacheWriteTokens: ["model.cache_write_tokens", integer],
  cacheWrite1hTokens: ["model.cache_write_1h_tokens", integer],
  usageId: ["usage_id", text],
  sessionId: ["session_id", text],
};
