// Written by core/gen from the table of operations; do not edit.

// What operations take. Absent, `undefined` and `null` are the same everywhere.

import type { Maybe } from "../data.js";
import type { JsonObject } from "../requests.js";

/**
 * A signature algorithm of a token (RFC 7518, RFC 8037). `none` is not one.
 * - `RS256`: RSASSA-PKCS1-v1_5 with SHA-256.
 * - `RS384`: RSASSA-PKCS1-v1_5 with SHA-384.
 * - `RS512`: RSASSA-PKCS1-v1_5 with SHA-512.
 * - `PS256`: RSASSA-PSS with SHA-256.
 * - `ES256`: ECDSA on P-256 with SHA-256.
 * - `ES384`: ECDSA on P-384 with SHA-384.
 * - `EdDSA`: Ed25519.
 * - `HS256`: HMAC with SHA-256; only for an issuer whose secret we hold.
 */
export type Algorithm = "RS256" | "RS384" | "RS512" | "PS256" | "ES256" | "ES384" | "EdDSA" | "HS256";

/**
 * How strongly the audit trail of a project is kept.
 * - `required`: Synced to disk before the call answers.
 * - `standard`: In the journal before the call answers; at most the last second is lost on power loss.
 * - `sampled`: One call in ten is kept; any of them may be lost.
 */
export type AuditClass = "required" | "standard" | "sampled";

/**
 * In which order rows are read.
 * - `oldest`: As they were written.
 * - `newest`: The last one first.
 */
export type AuditOrder = "oldest" | "newest";

/**
 * What a credential was.
 * - `api_key`: An API key.
 * - `token`: A token we issued.
 * - `jwt`: A token of another issuer.
 * - `dev`: Anything at all, in dev mode.
 */
export type CredentialKind = "api_key" | "token" | "jwt" | "dev";

/**
 * Whether a key is taken.
 * - `active`: It is.
 * - `revoked`: Somebody revoked it.
 * - `expired`: Its time is over.
 */
export type KeyState = "active" | "revoked" | "expired";

/**
 * Where in the hierarchy a scope, policy or limit sits.
 * - `platform`: The whole installation.
 * - `account`: One customer organisation.
 * - `project`: One workspace of it.
 */
export type Layer = "platform" | "account" | "project";

/**
 * What a rate is counted by.
 * - `scope`: One counter for the whole layer the limit is attached to.
 * - `principal`: One per principal.
 * - `session`: One per session.
 * - `tool`: One per tool name.
 * - `action`: One per action.
 * - `custom`: Only by `limits.acquire`, one per key given there; guard calls are not charged.
 */
export type LimitKey = "scope" | "principal" | "session" | "tool" | "action" | "custom";

/**
 * How strictly policy outcomes are applied. Ordered from lax to strict.
 * - `monitor`: Report what would have happened; allow.
 * - `alert`: As monitor, and raise `alerted` when a policy fired.
 * - `modify`: Redact findings and proceed.
 * - `enforce`: Apply the decision.
 */
export type Mode = "monitor" | "alert" | "modify" | "enforce";

/**
 * What happens when a rate is exceeded.
 * - `reject`: Deny with code `limit_exceeded`.
 * - `queue`: Wait in line at most `maxWaitMs`, then deny. First come first served; accounts that share a line take
 * turns.
 * - `report`: Only fill context keys.
 */
export type OnExceed = "reject" | "queue" | "report";

/**
 * What a principal is to policies.
 * - `user`: A person, or the embedding process: Cedar `User`.
 * - `agent`: An agent: Cedar `Agent`.
 */
export type PrincipalType = "user" | "agent";

/**
 * Whether a tenant may be acted in.
 * - `active`: Calls are decided.
 * - `suspended`: Every call is denied with code `suspended`.
 */
export type Status = "active" | "suspended";

/** Which rows of a chain are read, in which order, and how many. */
export interface AuditQuery {
  /**
   * A sequence to start after, a time (RFC 3339), or how long ago (`7d`). No row before it is read, whatever the order.
   */
  readonly since?: Maybe<Date | number | string>;
  /** Before this row: where the next page of the newest goes on. */
  readonly before?: Maybe<number>;
  /** Which row comes first; the oldest where nothing is said. */
  readonly order?: Maybe<AuditOrder>;
  /** How many at most, up to 10,000; 100 where nothing is said. */
  readonly limit?: Maybe<number>;
}

/**
 * Where an issuer's tokens say what we need to know. A text that starts with `/` is a JSON pointer (RFC 6901); any
 * other is the name of a top-level claim: letters, digits, `_`, `-` and `:`, or a URL such as
 * `https://acme.example/tenant`. Names with other characters are written as pointers, too: `/kubernetes.io/namespace`.
 */
export interface ClaimPaths {
  /** The account. Required in every token, unless the issuer speaks for one tenant only. */
  readonly account?: Maybe<string>;
  /** The project, or a list of projects; a token without it reaches every project of its account. */
  readonly project?: Maybe<string>;
  /** Roles: a list of strings, or one string, which is one role whatever is in it. */
  readonly roles?: Maybe<string>;
  /**
   * OAuth scopes: a list of strings, or one string separated by spaces. A token without the claim that is named here
   * may do nothing. Empty: `scope`, `scp` and `scopes` are read, and a token without any of them may do what its roles
   * mean.
   */
  readonly scopes?: Maybe<string>;
}

/** Facts about a tenant that policies may read as `context.tenant`. Empty means not set. */
export interface Facts {
  /** The commercial tier, e.g. `free`. */
  readonly tier?: Maybe<string>;
  /** The plan. */
  readonly plan?: Maybe<string>;
  /** Where the tenant's data lives. */
  readonly region?: Maybe<string>;
  /** Free labels. */
  readonly labels?: Maybe<readonly string[]>;
}

/** An identity provider whose tokens are taken, and for which accounts. */
export interface Issuer {
  /** The exact `iss` of its tokens. */
  readonly issuer: string;
  /** Tokens must name one of these in `aud`. Never empty. */
  readonly audience: readonly string[];
  /** The accounts it may speak for; `["*"]` for every account. Never empty. */
  readonly accounts: readonly string[];
  /** The algorithms taken, and no others: `RS256` where none is said. Never empty; `HS256` stands alone. */
  readonly algorithms: readonly Algorithm[];
  /**
   * Which claim names the audience in tokens that have no `aud`, e.g. `client_id` for access tokens of Cognito; written
   * as the paths of `claims` are. Empty: a token without `aud` is refused.
   */
  readonly audienceClaim?: Maybe<string>;
  /** Where its public keys are published. One of `jwksUrl`, `jwks`, `secret` and `secretBase64` is given. */
  readonly jwksUrl?: Maybe<string>;
  /** Its public keys, as a JWK set (RFC 7517). */
  readonly jwks?: Maybe<JsonObject>;
  /** The shared secret for `HS256`, at least 32 bytes. Kept sealed; never shown again. */
  readonly secret?: Maybe<string>;
  /** The same, of bytes that are no text: in base64 or base64url, with padding or without. */
  readonly secretBase64?: Maybe<string>;
  /** Allows `jwksUrl` to name a private or loopback address, and plain HTTP. */
  readonly privateNetwork?: Maybe<boolean>;
  /** How far its clock may be off, in seconds: 0 to 300. */
  readonly leewaySeconds?: Maybe<number>;
  /** Every valid token is this project of the one account in `accounts`: single-tenant mode. */
  readonly project?: Maybe<string>;
  /** Where its tokens say what. */
  readonly claims?: Maybe<ClaimPaths>;
  /**
   * What the id of each of its principals starts with, before the token's subject, e.g. `okta:`. Of the issuers of one
   * account one may do without, so that no two name the same principal. At most 64 printable ASCII characters.
   */
  readonly principalPrefix?: Maybe<string>;
}

/** Options of `keys.create`. */
export interface KeyOptions {
  /** The account it reaches; empty for the caller's own. */
  readonly accountId?: Maybe<string>;
  /** The project it reaches; empty for the caller's own, or for a whole account where the caller reaches one. */
  readonly projectId?: Maybe<string>;
  /** Its OAuth scopes, no wider than its owner's. Empty: guard calls only. */
  readonly scopes?: Maybe<readonly string[]>;
  /** What its holder is to policies. */
  readonly type?: Maybe<PrincipalType>;
  /** The principal's id; empty for the key's own id. Naming one needs `users:manage`. */
  readonly subject?: Maybe<string>;
  /** How long it lives, in seconds; 0 for ever. */
  readonly expiresInSeconds?: Maybe<number>;
  /** What the key starts with; empty for the platform's setting. */
  readonly prefix?: Maybe<string>;
  /** SHA-256 of a key another system made, hexadecimal: the key itself is then never known here. */
  readonly importSha256?: Maybe<string>;
  /** What it is for, for people; at most 1,024 bytes. */
  readonly description?: Maybe<string>;
  /** What the app calls the place it is used in, e.g. `live` or `test`; at most 64 bytes. */
  readonly environment?: Maybe<string>;
}

/** Which keys are listed. */
export interface KeyQuery {
  /** Those of this account; absent for the caller's own place. */
  readonly accountId?: Maybe<string>;
  /** Those of this project of it. */
  readonly projectId?: Maybe<string>;
}

/** Options of `policies.remove`, `policies.get`, `limits.remove`. */
export interface LayerOptions {
  /** Where it is attached; absent for the project. */
  readonly layer?: Maybe<Layer>;
}

/** A rate limit. */
export interface Limit {
  /** The id, unique within the layer. */
  readonly id: string;
  /** Calls allowed in each period; also the largest burst. */
  readonly rate: number;
  /** The period. In words: `second`, `minute`, `hour`, `day`, or a duration such as `10s`. */
  readonly per?: Maybe<string>;
  /** The period in milliseconds. One of the two is given. */
  readonly perMs?: Maybe<number>;
  /** What is counted. */
  readonly key?: Maybe<LimitKey>;
  /** The action whose calls alone are counted, e.g. `process_prompt`; all when empty. */
  readonly action?: Maybe<string>;
  /** What happens beyond the rate. */
  readonly onExceed?: Maybe<OnExceed>;
  /** The longest wait in line, in milliseconds. */
  readonly maxWaitMs?: Maybe<number>;
  /** Where it is attached. */
  readonly layer?: Maybe<Layer>;
  /** Count across processes that share the data folder (slower: takes a store transaction). */
  readonly shared?: Maybe<boolean>;
}

/** What happens when a verified credential names an account nobody created. */
export interface NewAutoProvision {
  /** Whether it is created. */
  readonly enabled?: Maybe<boolean>;
  /** Most accounts made up this way. */
  readonly maxAccounts?: Maybe<number>;
  /** Most accounts made up this way in one minute. */
  readonly perMinute?: Maybe<number>;
  /** Facts of what is created. */
  readonly facts?: Maybe<Facts>;
  /** Policies every new project starts with, beside the baseline. */
  readonly policies?: Maybe<readonly NewPolicy[]>;
  /** Limits every new project starts with. */
  readonly limits?: Maybe<readonly Limit[]>;
}

/** Lets principals of one tenant act in another, for named actions and a limited time. */
export interface NewGrant {
  /** The account whose principals may act. */
  readonly fromAccount: string;
  /** The account they may act in. */
  readonly toAccount: string;
  /** The project they may act in. */
  readonly toProject: string;
  /** Actions of guard calls (`process_prompt`) and rights (`tenant:read`) it covers. Never empty. */
  readonly actions: readonly string[];
  /** How long it holds, in seconds; at most 366 days. */
  readonly expiresInSeconds: number;
  /** Why, for the audit of both. */
  readonly reason: string;
  /** Its project; empty for all of them. */
  readonly fromProject?: Maybe<string>;
}

/** What the platform decides about identity. */
export interface NewIdentitySettings {
  /** The `iss` of our own tokens; empty for one made from the installation's key id. */
  readonly issuer?: Maybe<string>;
  /** The trust domain of agents' SPIFFE ids in our own tokens. */
  readonly trustDomain?: Maybe<string>;
  /** What new API keys start with, e.g. `tnt_sk`, or `hf_sk` for Highflame's clients. */
  readonly keyPrefix?: Maybe<string>;
  /** Lifetime of our access tokens, in seconds. */
  readonly accessTokenSeconds?: Maybe<number>;
  /** Lifetime of our refresh tokens, in seconds. */
  readonly refreshTokenSeconds?: Maybe<number>;
  /** Most living API keys per project. */
  readonly maxKeys?: Maybe<number>;
  /** Which scopes a role means, for credentials that carry roles and no scopes. */
  readonly roles?: Maybe<Readonly<Record<string, readonly string[]>>>;
  /** What happens to accounts nobody has seen. */
  readonly autoProvision?: Maybe<NewAutoProvision>;
}

/** A policy text to attach. */
export interface NewPolicy {
  /** The name, unique within the layer. */
  readonly name: string;
  /** Cedar text: one or more policies. */
  readonly text: string;
  /** Whether it decides (`enforce`) or only reports (`monitor`, `alert`). */
  readonly mode?: Maybe<Mode>;
  /** Where it is attached. */
  readonly layer?: Maybe<Layer>;
  /** Whether its layer bounds every layer below. */
  readonly ceiling?: Maybe<boolean>;
}

/** Options of `policies.put`. */
export interface PolicyOptions {
  /** Whether it decides (`enforce`) or only reports (`monitor`, `alert`). */
  readonly mode?: Maybe<Mode>;
  /** Where it is attached. */
  readonly layer?: Maybe<Layer>;
  /** Whether its layer bounds every layer below. */
  readonly ceiling?: Maybe<boolean>;
}

/** Options of `keys.rotate`. */
export interface RotateOptions {
  /** How long the old key is taken beside the new one, in seconds; absent for not at all. */
  readonly overlapSeconds?: Maybe<number>;
}

/** A change to `Settings`: absent fields stay as they are. */
export interface SettingsChange {
  /** See `Settings.modeFloor`. */
  readonly modeFloor?: Maybe<Mode>;
  /** See `Settings.auditClass`. */
  readonly auditClass?: Maybe<AuditClass>;
  /** See `Settings.redactionOriginals`. */
  readonly redactionOriginals?: Maybe<boolean>;
  /** See `Settings.sessionTtlSeconds`. */
  readonly sessionTtlSeconds?: Maybe<number>;
  /** See `Settings.metadataKeys`; takes the place of all that were declared before. */
  readonly metadataKeys?: Maybe<Readonly<Record<string, string>>>;
}

/** Options of `tokens.issue`. */
export interface TokenOptions {
  /** What it is to policies. */
  readonly type?: Maybe<PrincipalType>;
  /** The account. */
  readonly accountId?: Maybe<string>;
  /** The project; empty for every project of the account. */
  readonly projectId?: Maybe<string>;
  /** Its roles, highest first. */
  readonly roles?: Maybe<readonly string[]>;
  /** Its OAuth scopes; empty for those its roles mean. */
  readonly scopes?: Maybe<readonly string[]>;
  /** Whether a refresh token comes with it. */
  readonly refresh?: Maybe<boolean>;
}

/** What a client sends to the token endpoint (RFC 6749; `docs/wire/identity.md`). */
export interface TokenRequest {
  /** `api_key` or `refresh_token`. */
  readonly grantType: "api_key" | "refresh_token";
  /** The key, for `api_key`. */
  readonly apiKey?: Maybe<string>;
  /** The refresh token, for `refresh_token`. */
  readonly refreshToken?: Maybe<string>;
  /** The scopes wanted, separated by spaces; empty for all the credential has. */
  readonly scope?: Maybe<string>;
  /** May confirm the credential's account; `default` and empty say nothing. */
  readonly accountId?: Maybe<string>;
  /** May confirm the credential's project; `default` and empty say nothing. */
  readonly projectId?: Maybe<string>;
}

/** One model call, reported after it was made. */
export interface UsageReport {
  /** The model's name. */
  readonly model: string;
  /** The provider's name. */
  readonly provider?: Maybe<string>;
  /** Tokens of the prompt. */
  readonly inputTokens?: Maybe<number>;
  /** Tokens of the answer. */
  readonly outputTokens?: Maybe<number>;
  /** Tokens read from the provider's cache. */
  readonly cacheReadTokens?: Maybe<number>;
  /** Tokens written to the provider's cache. */
  readonly cacheWriteTokens?: Maybe<number>;
  /** Tokens written to the provider's one-hour cache. */
  readonly cacheWrite1hTokens?: Maybe<number>;
  /** Names the call: a report with the same id within 48 hours is the same call. Empty gets a fresh id. */
  readonly usageId?: Maybe<string>;
  /** The conversation it belongs to. */
  readonly sessionId?: Maybe<string>;
}
