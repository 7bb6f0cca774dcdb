// Written by core/gen from the table of operations; do not edit.

// What operations give; views of wire JSON as in `responses.ts`.

import type { JsonObject, JsonWebKeySet } from "../requests.js";
import { Line, Value } from "../value.js";
import type {
  Algorithm,
  AuditClass,
  CredentialKind,
  Facts,
  KeyState,
  Layer,
  LimitKey,
  Mode,
  OnExceed,
  PrincipalType,
  Status,
} from "./inputs.js";

/** The answer of the token endpoint. Absent fields are left out: clients reject null. */
export class AccessToken extends Value {
  /** The signed token. */
  get accessToken(): string {
    return this.field("access_token");
  }

  /** `Bearer`. */
  get tokenType(): string {
    return this.field("token_type");
  }

  /** Seconds until it expires. */
  get expiresIn(): number {
    return this.field("expires_in");
  }

  /** The scopes it has, separated by spaces. */
  get scope(): string {
    return this.field("scope", "");
  }

  /** The token's id. */
  get jti(): string {
    return this.field("jti");
  }

  /** When it was issued, seconds since 1970. */
  get iat(): number {
    return this.field("iat");
  }

  /** The account it reaches. */
  get accountId(): string {
    return this.field("account_id", "");
  }

  /** The project it reaches; `""` when it reaches a whole account. */
  get projectId(): string {
    return this.field("project_id", "");
  }

  /** The principal's id. */
  get externalId(): string {
    return this.field("external_id");
  }

  /** Who made the key it was exchanged for. */
  get userId(): string {
    return this.field("user_id", "");
  }

  /** Gets the next pair, once. */
  get refreshToken(): string {
    return this.field("refresh_token", "");
  }

  protected override get shown(): readonly string[] {
    return ["tokenType", "expiresIn", "jti", "iat", "externalId"];
  }
}

/** An account as admin calls return it. */
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

  /** The commercial tier, e.g. `free`. */
  get tier(): string {
    return this.field("tier", "");
  }

  /** The plan. */
  get plan(): string {
    return this.field("plan", "");
  }

  /** Where the tenant's data lives. */
  get region(): string {
    return this.field("region", "");
  }

  /** Free labels. */
  get labels(): readonly string[] {
    return this.field("labels", []);
  }

  protected override get shown(): readonly string[] {
    return ["id", "uid", "status", "createdAt"];
  }
}

/** An API key as admin calls return it: everything but the key. */
export class ApiKey extends Value {
  /** Names it; not secret. */
  get id(): string {
    return this.field("id");
  }

  /** What people call it. */
  get name(): string {
    return this.field("name");
  }

  /** How it starts, for finding it in a configuration. */
  get keyPrefix(): string {
    return this.field("key_prefix");
  }

  /** The account it reaches; `""` for a platform key. */
  get accountId(): string {
    return this.field("account_id", "");
  }

  /** The project it reaches; `""` when it reaches a whole account. */
  get projectId(): string {
    return this.field("project_id", "");
  }

  /** Whether it is taken. */
  get state(): KeyState {
    return this.field("state");
  }

  /** Its OAuth scopes. */
  get scopes(): readonly string[] {
    return this.field("scopes");
  }

  /** What its holder is to policies. */
  get type(): PrincipalType {
    return this.field("type");
  }

  /** The principal's id. */
  get subject(): string {
    return this.field("subject");
  }

  /** Who made it. */
  get createdBy(): string {
    return this.field("created_by");
  }

  /** RFC 3339 in UTC. */
  get createdAt(): string {
    return this.field("created_at");
  }

  /** RFC 3339 in UTC. */
  get expiresAt(): string | undefined {
    return this.field("expires_at");
  }

  /** RFC 3339 in UTC; written within a second of use. */
  get lastUsedAt(): string | undefined {
    return this.field("last_used_at");
  }

  /** The key that took its place. */
  get replacedBy(): string | undefined {
    return this.field("replaced_by");
  }

  /** What it is for, for people. */
  get description(): string {
    return this.field("description", "");
  }

  /** What the app calls the place it is used in. */
  get environment(): string {
    return this.field("environment", "");
  }

  protected override get shown(): readonly string[] {
    return ["id", "name", "keyPrefix", "state", "scopes", "type", "subject", "createdBy", "createdAt"];
  }
}

/** One row of a scope's chain. */
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
    return ["sequence", "at", "kind", "requestId", "hash", "previous"];
  }
}

/** What happens when a verified credential names an account nobody created. */
export class AutoProvision extends Value {
  /** Whether it is created. */
  get enabled(): boolean {
    return this.field("enabled");
  }

  /** Most accounts made up this way. */
  get maxAccounts(): number {
    return this.field("max_accounts");
  }

  /** Most accounts made up this way in one minute. */
  get perMinute(): number {
    return this.field("per_minute");
  }

  /** Facts of what is created. */
  get facts(): Facts {
    return this.plain("facts", {});
  }

  /** Policies every new project starts with, beside the baseline. */
  get policies(): readonly ProvisionedPolicy[] {
    return this.field<readonly JsonObject[]>("policies", []) as unknown as readonly ProvisionedPolicy[];
  }

  /** Limits every new project starts with. */
  get limits(): readonly LimitSpec[] {
    return this.parts("limits", LimitSpec) ?? [];
  }

  protected override get shown(): readonly string[] {
    return ["enabled", "maxAccounts", "perMinute"];
  }
}

/**
 * Where an issuer's tokens say what we need to know. A text that starts with `/` is a JSON pointer (RFC 6901); any
 * other is the name of a top-level claim: letters, digits, `_`, `-` and `:`, or a URL such as
 * `https://acme.example/tenant`. Names with other characters are written as pointers, too: `/kubernetes.io/namespace`.
 */
export interface IssuerClaims {
  /** The account. Required in every token, unless the issuer speaks for one tenant only. */
  readonly account: string;
  /** The project, or a list of projects; a token without it reaches every project of its account. */
  readonly project: string;
  /** Roles: a list of strings, or one string, which is one role whatever is in it. */
  readonly roles: string;
  /**
   * OAuth scopes: a list of strings, or one string separated by spaces. A token without the claim that is named here
   * may do nothing. Empty: `scope`, `scp` and `scopes` are read, and a token without any of them may do what its roles
   * mean.
   */
  readonly scopes: string;
}

/** A detector as callers see it. */
export class Detector extends Value {
  /** Its name. */
  get name(): string {
    return this.field("name");
  }

  /** `healthy`, `degraded` or `disabled`. */
  get status(): string {
    return this.field("status");
  }

  /** `fast`, `standard` or `slow`. */
  get tier(): string {
    return this.field("tier");
  }

  /** The version of this engine: a detector changes with it alone. */
  get version(): string {
    return this.field("version");
  }

  /** The family its signals belong to. */
  get category(): string {
    return this.field("category");
  }

  /** One sentence. */
  get description(): string {
    return this.field("description");
  }

  /** The keys it writes. */
  get contextKeys(): readonly DetectorKey[] {
    return this.parts("context_keys", DetectorKey) ?? [];
  }

  protected override get shown(): readonly string[] {
    return ["name", "status", "tier", "version", "category", "description"];
  }
}

/** A key policies read, and which detector writes it. */
export class DetectorKey extends Value {
  /** The name policies use. */
  get key(): string {
    return this.field("key");
  }

  /** `bool`, `long`, `string` or `set`. */
  get type(): string {
    return this.field("type");
  }

  /** One sentence. */
  get description(): string {
    return this.field("description");
  }

  /** The least and the greatest value, where there are such. */
  get range(): string | undefined {
    return this.field("range");
  }

  protected override get shown(): readonly string[] {
    return ["key", "type", "description"];
  }
}

/** A cross-tenant grant as admin calls return it. */
export class Grant extends Value {
  /** Names it. */
  get id(): string {
    return this.field("id");
  }

  /** The account whose principals may act. */
  get fromAccount(): string {
    return this.field("from_account");
  }

  /** Its project; `""` for all of them. */
  get fromProject(): string {
    return this.field("from_project", "");
  }

  /** The account they may act in. */
  get toAccount(): string {
    return this.field("to_account");
  }

  /** The project they may act in. */
  get toProject(): string {
    return this.field("to_project");
  }

  /** What it covers. */
  get actions(): readonly string[] {
    return this.field("actions");
  }

  /** Why. */
  get reason(): string {
    return this.field("reason");
  }

  /** RFC 3339 in UTC. */
  get createdAt(): string {
    return this.field("created_at");
  }

  /** RFC 3339 in UTC. */
  get until(): string {
    return this.field("until");
  }

  protected override get shown(): readonly string[] {
    return ["id", "fromAccount", "toAccount", "toProject", "actions", "reason", "createdAt", "until"];
  }
}

/** Who a verified credential is, and what it reaches. */
export class Identity extends Value {
  /** Who acts. */
  get principal(): CallerPrincipal {
    return this.plain("principal", { roles: [], scopes: [] });
  }

  /** What the credential was. */
  get credential(): CredentialKind {
    return this.field("credential");
  }

  /** Its id: the key's id, or the token's `jti`; `""` when it has none. */
  get credentialId(): string {
    return this.field("credential_id", "");
  }

  /** The token's issuer. */
  get issuer(): string {
    return this.field("issuer", "");
  }

  /** The account it reaches; `""` for the whole platform. */
  get accountId(): string {
    return this.field("account_id", "");
  }

  /** The projects it reaches; empty for all of the account. */
  get projectIds(): readonly string[] {
    return this.field("project_ids", []);
  }

  /** What it may do, roles counted in. */
  get scopes(): readonly string[] {
    return this.field("scopes");
  }

  /** When it ends, RFC 3339 in UTC; absent for never. */
  get expiresAt(): string | undefined {
    return this.field("expires_at");
  }

  protected override get shown(): readonly string[] {
    return ["principal", "credential", "scopes"];
  }
}

/** What the platform decides about identity. */
export class IdentitySettings extends Value {
  /** The `iss` of our own tokens; empty for one made from the installation's key id. */
  get issuer(): string {
    return this.field("issuer");
  }

  /** The trust domain of agents' SPIFFE ids in our own tokens. */
  get trustDomain(): string {
    return this.field("trust_domain");
  }

  /** What new API keys start with, e.g. `tnt_sk`, or `hf_sk` for Highflame's clients. */
  get keyPrefix(): string {
    return this.field("key_prefix");
  }

  /** Lifetime of our access tokens, in seconds. */
  get accessTokenSeconds(): number {
    return this.field("access_token_seconds");
  }

  /** Lifetime of our refresh tokens, in seconds. */
  get refreshTokenSeconds(): number {
    return this.field("refresh_token_seconds");
  }

  /** Most living API keys per project. */
  get maxKeys(): number {
    return this.field("max_keys");
  }

  /** Which scopes a role means, for credentials that carry roles and no scopes. */
  get roles(): Readonly<Record<string, readonly string[]>> {
    return this.field("roles");
  }

  /** What happens to accounts nobody has seen. */
  get autoProvision(): AutoProvision {
    return new AutoProvision(JSON.stringify(this.field("auto_provision")));
  }

  protected override get shown(): readonly string[] {
    return ["issuer", "trustDomain", "keyPrefix", "accessTokenSeconds", "refreshTokenSeconds", "maxKeys"];
  }
}

/** What a token is worth now (RFC 7662): `active` alone when nothing. */
export class Introspection extends Value {
  /** Whether it would be taken. */
  get active(): boolean {
    return this.field("active");
  }

  /** The rest of its claims, under their own names. */
  get claims(): JsonObject {
    const { active: _, ...claims } = this.toJSON();
    return claims;
  }

  protected override get shown(): readonly string[] {
    return ["active"];
  }
}

/**
 * What came of putting an issuer. The entry holds whatever this says; tokens are taken as soon as a key for them is
 * there.
 */
export class IssuerReceipt extends Value {
  /** The issuer. */
  get issuer(): string {
    return this.field("issuer");
  }

  /** The keys that verify its tokens, each by its `kid` or its place in the set. */
  get keys(): readonly string[] {
    return this.field("keys");
  }

  /** The keys that do not, each with the reason. */
  get skipped(): readonly string[] {
    return this.field("skipped", []);
  }

  /** Why its keys could not be fetched; `""` where they were, or where they were given. */
  get unreachable(): string {
    return this.field("unreachable", "");
  }

  protected override get shown(): readonly string[] {
    return ["issuer", "keys"];
  }
}

/** An identity provider whose tokens are taken, and for which accounts. */
export class IssuerSpec extends Value {
  /** The exact `iss` of its tokens. */
  get issuer(): string {
    return this.field("issuer");
  }

  /** Tokens must name one of these in `aud`. Never empty. */
  get audience(): readonly string[] {
    return this.field("audience");
  }

  /**
   * Which claim names the audience in tokens that have no `aud`, e.g. `client_id` for access tokens of Cognito; written
   * as the paths of `claims` are. Empty: a token without `aud` is refused.
   */
  get audienceClaim(): string {
    return this.field("audience_claim", "");
  }

  /** The algorithms taken, and no others: `RS256` where none is said. Never empty; `HS256` stands alone. */
  get algorithms(): readonly Algorithm[] {
    return this.field("algorithms", []);
  }

  /** Where its public keys are published. One of `jwksUrl`, `jwks`, `secret` and `secretBase64` is given. */
  get jwksUrl(): string {
    return this.field("jwks_url", "");
  }

  /** Its public keys, as a JWK set (RFC 7517). */
  get jwks(): JsonWebKeySet | undefined {
    return this.field<JsonObject | undefined>("jwks") as JsonWebKeySet | undefined;
  }

  /** Allows `jwksUrl` to name a private or loopback address, and plain HTTP. */
  get privateNetwork(): boolean {
    return this.field("private_network", false);
  }

  /** How far its clock may be off, in seconds: 0 to 300. */
  get leewaySeconds(): number {
    return this.field("leeway_seconds", 0);
  }

  /** The accounts it may speak for; `["*"]` for every account. Never empty. */
  get accounts(): readonly string[] {
    return this.field("accounts");
  }

  /** Every valid token is this project of the one account in `accounts`: single-tenant mode. */
  get project(): string {
    return this.field("project", "");
  }

  /** Where its tokens say what. */
  get claims(): IssuerClaims | undefined {
    return this.field("claims") === undefined ? undefined : this.plain("claims", {});
  }

  /**
   * What the id of each of its principals starts with, before the token's subject, e.g. `okta:`. Of the issuers of one
   * account one may do without, so that no two name the same principal. At most 64 printable ASCII characters.
   */
  get principalPrefix(): string {
    return this.field("principal_prefix", "");
  }

  protected override get shown(): readonly string[] {
    return ["issuer", "audience", "accounts"];
  }
}

/** A rate limit. */
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

  /** The action whose calls alone are counted, e.g. `process_prompt`; all when empty. */
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

  /** Count across processes that share the data folder (slower: takes a store transaction). */
  get shared(): boolean {
    return this.field("shared", false);
  }

  protected override get shown(): readonly string[] {
    return ["id", "rate", "perMs", "key", "onExceed", "maxWaitMs", "layer"];
  }
}

/** A key that was just made. The only time the key itself is shown. */
export class NewApiKey extends ApiKey {
  /** The key. Empty for an imported one. */
  get key(): string {
    return this.field("key");
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
    return ["name", "policyCount"];
  }
}

/** A policy text to attach. */
export interface ProvisionedPolicy {
  /** The name, unique within the layer. */
  readonly name: string;
  /** Cedar text: one or more policies. */
  readonly text: string;
  /** Whether it decides (`enforce`) or only reports (`monitor`, `alert`). */
  readonly mode: Mode;
  /** Where it is attached. */
  readonly layer: Layer;
  /** Whether its layer bounds every layer below. */
  readonly ceiling: boolean;
}

/** A policy in force, as `policies.list` returns it. */
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

  /** Whether its layer is a ceiling. */
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
    return ["name", "layer", "mode", "ceiling", "ruleIds"];
  }
}

/** The caller on whose behalf a guard call is made. */
export interface CallerPrincipal {
  /** What it is. */
  readonly type: PrincipalType;
  /** Its id, 1–512 bytes. */
  readonly id: string;
  /** Its roles, highest first. */
  readonly roles: readonly string[];
  /** Its OAuth scopes. */
  readonly scopes: readonly string[];
}

/** A head, and the line that is kept of it. */
export class AuditHead extends Line {
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

  /** The same as one line, for keeping elsewhere. */
  get text(): string {
    return this.field("text");
  }

  protected override get shown(): readonly string[] {
    return ["scope", "sequence", "hash", "at", "keyId", "signature"];
  }
}

/** A project as admin calls return it. */
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

  /** The commercial tier, e.g. `free`. */
  get tier(): string {
    return this.field("tier", "");
  }

  /** The plan. */
  get plan(): string {
    return this.field("plan", "");
  }

  /** Where the tenant's data lives. */
  get region(): string {
    return this.field("region", "");
  }

  /** Free labels. */
  get labels(): readonly string[] {
    return this.field("labels", []);
  }

  protected override get shown(): readonly string[] {
    return ["id", "accountId", "uid", "status", "createdAt"];
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

  /**
   * Metadata keys the project declares by hand, each with its type: `String`, `Long`, `Bool` or `Set<String>`. The
   * others are declared by the policies that read them; one that reads like a context key has to stand here.
   */
  get metadataKeys(): Readonly<Record<string, string>> {
    return this.field("metadata_keys", {});
  }

  protected override get shown(): readonly string[] {
    return ["modeFloor", "auditClass", "redactionOriginals", "sessionTtlSeconds"];
  }
}

/** What a report came to. */
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
    return ["ok", "rows", "headSequence"];
  }
}

/** Who asks. */
export class WhoAmI extends Value {
  /** Who acts. */
  get principal(): CallerPrincipal | undefined {
    return this.field("principal") === undefined ? undefined : this.plain("principal", { roles: [], scopes: [] });
  }

  /** What the credential was. */
  get credential(): CredentialKind | undefined {
    return this.field("credential");
  }

  /** Its id: the key's id, or the token's `jti`; `""` when it has none. */
  get credentialId(): string {
    return this.field("credential_id", "");
  }

  /** The token's issuer. */
  get issuer(): string {
    return this.field("issuer", "");
  }

  /** The account it reaches; `""` for the whole platform. */
  get accountId(): string {
    return this.field("account_id", "");
  }

  /** The projects it reaches; empty for all of the account. */
  get projectIds(): readonly string[] {
    return this.field("project_ids", []);
  }

  /** What it may do, roles counted in. */
  get scopes(): readonly string[] {
    return this.field("scopes", []);
  }

  /** When it ends, RFC 3339 in UTC; absent for never. */
  get expiresAt(): string | undefined {
    return this.field("expires_at");
  }

  protected override get shown(): readonly string[] {
    return [];
  }
}
