// What callers give: options, requests and their parts. Absent, `undefined` and `null` are the same everywhere.

/** Data as JSON has it. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** A JSON object. Fields that are `undefined` are not there. */
export interface JsonObject {
  readonly [name: string]: Json | undefined;
}

/** How strictly policy outcomes are applied, from lax to strict. */
export type Mode = "monitor" | "alert" | "modify" | "enforce";

/** Where a policy or limit is attached. */
export type Layer = "platform" | "account" | "project";

/** What kind of text `content` is. */
export type ContentType = "prompt" | "response" | "tool_call" | "file" | "clipboard";

/** What a rate is counted by. */
export type LimitKey = "scope" | "principal" | "session" | "tool" | "action" | "custom";

/** What happens beyond a rate. */
export type OnExceed = "reject" | "queue" | "report";

/** Which row of an audit trail comes first. */
export type AuditOrder = "oldest" | "newest";

/** How strongly an audit trail is kept. */
export type AuditClass = "required" | "standard" | "sampled";

/** What a principal is to policies. */
export type PrincipalType = "user" | "agent";

/** A signature algorithm of a token (RFC 7518, RFC 8037). `HS256` only for an issuer whose secret we hold. */
export type Algorithm = "RS256" | "RS384" | "RS512" | "PS256" | "ES256" | "ES384" | "EdDSA" | "HS256";

type Maybe<T> = T | null | undefined;

/** How a client is opened. What is absent is looked up in `TENANTRY_*`, then in `tenantry.toml`. */
export interface Options {
  /** The folder data lives in; made at first use. Default `./.tenantry`. */
  readonly dataDir?: Maybe<string>;
  /** Keep everything in memory: gone with the client. */
  readonly inMemory?: Maybe<boolean>;
  /** Dev mode: any key is taken, tenants are made up when first named. */
  readonly dev?: Maybe<boolean>;
  /** A credential to act with. */
  readonly apiKey?: Maybe<string>;
  /** Name tenants by verified credentials only: `tenant(account, project)` is then refused. */
  readonly requireCredentials?: Maybe<boolean>;
  /** The account to act in. */
  readonly accountId?: Maybe<string>;
  /** The project to act in. */
  readonly projectId?: Maybe<string>;
  /** A server to talk to instead of the embedded engine. */
  readonly baseUrl?: Maybe<string>;
  /** How long a call may take, in milliseconds. Default 250. */
  readonly deadlineMs?: Maybe<number>;
  /** Recorded with each call; those that carry credentials are left out. */
  readonly defaultHeaders?: Maybe<Readonly<Record<string, string>>>;
}

/** Facts about a tenant that policies may read as `context.tenant`. */
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

/** The caller on whose behalf guard calls are made. */
export interface Principal {
  /** What it is. Default `user`. */
  readonly type?: Maybe<PrincipalType>;
  /** Its id, 1 to 512 bytes. */
  readonly id: string;
  /** Its roles, highest first. */
  readonly roles?: Maybe<readonly string[]>;
  /** Its OAuth scopes. */
  readonly scopes?: Maybe<readonly string[]>;
}

/** The tool a `call_tool` request wants to use. */
export interface ToolContext {
  /** The tool's name. */
  readonly name: string;
  /** Whether the caller says the tool is its own. A claim, never proof. */
  readonly isBuiltin?: Maybe<boolean>;
  /** The arguments; every string in them is inspected. */
  readonly arguments?: Maybe<JsonObject>;
  /** What the tool says it does. */
  readonly description?: Maybe<string>;
  /** The MCP server the tool comes from. */
  readonly serverId?: Maybe<string>;
}

/** The model behind the call. */
export interface ModelContext {
  /** The provider's name. */
  readonly provider?: Maybe<string>;
  /** The model's name. */
  readonly model?: Maybe<string>;
  /** Sampling temperature. */
  readonly temperature?: Maybe<number>;
  /** Upper bound of tokens to generate. */
  readonly maxTokens?: Maybe<number>;
  /** Tokens used in all. */
  readonly tokensUsed?: Maybe<number>;
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
}

/** The file a `read_file` or `write_file` request is about. */
export interface FileContext {
  /** Where the file is. */
  readonly path: string;
  /** What is done with it. Default `read`. */
  readonly operation?: Maybe<string>;
  /** The last part of the path. */
  readonly fileName?: Maybe<string>;
  /** The extension without the dot. */
  readonly fileExtension?: Maybe<string>;
  /** The media type. */
  readonly mimeType?: Maybe<string>;
  /** Microsoft Information Protection label id. */
  readonly mipLabelId?: Maybe<string>;
  /** Microsoft Information Protection label name. */
  readonly mipLabelName?: Maybe<string>;
  /** How sensitive the file is. */
  readonly sensitivityLevel?: Maybe<string>;
  /** Size in bytes. */
  readonly size?: Maybe<number>;
  /** Whether the file is encrypted. */
  readonly isEncrypted?: Maybe<boolean>;
  /** Whether rights management protects the file. */
  readonly isRightsManaged?: Maybe<boolean>;
}

/** The MCP server a `connect_server` request wants to reach. */
export interface McpContext {
  /** The server's name. */
  readonly serverName: string;
  /** Where the server is. */
  readonly serverUrl?: Maybe<string>;
  /** How it is spoken to. */
  readonly transport?: Maybe<string>;
  /** Whether the caller says the server is verified. A claim, never proof. */
  readonly verified?: Maybe<boolean>;
  /** What the server offers. */
  readonly capabilities?: Maybe<readonly string[]>;
}

/** What every guard call takes. */
export interface CallOptions {
  /** How strictly to apply policy outcomes; the project's floor may raise it. Default `enforce`. */
  readonly mode?: Maybe<Mode>;
  /** Ties turns of one conversation together. */
  readonly sessionId?: Maybe<string>;
  /** Facts the caller claims; names and values are passed on untouched. */
  readonly metadata?: Maybe<JsonObject>;
  /** Fill the explain tier of the response. */
  readonly explain?: Maybe<boolean>;
  /** Fill the debug tier of the response. */
  readonly debug?: Maybe<boolean>;
  /** Answer what would happen; reserve, remember and consume nothing. */
  readonly dryrun?: Maybe<boolean>;
}

/** Options of `evaluatePrompt` and `evaluateResponse`. */
export interface EvaluateOptions extends CallOptions {
  /** The model behind the call. */
  readonly model?: Maybe<ModelContext>;
}

/** Options of `evaluateToolCall`. */
export interface ToolCallOptions extends CallOptions {
  /** Whether the caller says the tool is its own. */
  readonly isBuiltin?: Maybe<boolean>;
  /** What the tool says it does. */
  readonly description?: Maybe<string>;
  /** The MCP server the tool comes from. */
  readonly serverId?: Maybe<string>;
}

/** Options of `evaluateFile`. */
export interface FileOptions extends CallOptions {
  /** What is done with the file: `write` means `write_file`, any other `read_file`. Default `read`. */
  readonly operation?: Maybe<string>;
}

/** Options of `detect`. */
export interface DetectOptions {
  /** What kind of text it is. Default `prompt`. */
  readonly contentType?: Maybe<ContentType>;
  /** The tool it belongs to. */
  readonly tool?: Maybe<ToolContext>;
  /** Detectors to run. Default all. */
  readonly detectors?: Maybe<readonly string[]>;
}

/** One question: may this content and action pass? */
export interface GuardRequest extends EvaluateOptions {
  /** The text to inspect. */
  readonly content: string;
  /** What kind of text it is. Default `prompt`. */
  readonly contentType?: Maybe<ContentType>;
  /** What is about to happen, e.g. `call_tool`. Default `process_prompt`. */
  readonly action?: Maybe<string>;
  /** The tool, for `call_tool`. */
  readonly tool?: Maybe<ToolContext>;
  /** The file, for `read_file` and `write_file`. */
  readonly file?: Maybe<FileContext>;
  /** The server, for `connect_server`. */
  readonly mcp?: Maybe<McpContext>;
  /** Further texts that belong to the call. */
  readonly contexts?: Maybe<readonly string[]>;
  /** Detectors to run; empty means all. */
  readonly detectors?: Maybe<readonly string[]>;
  /** Stop after a detector tier that already denies. */
  readonly earlyExit?: Maybe<boolean>;
  /** Run only detectors whose keys a policy reads. */
  readonly optimize?: Maybe<boolean>;
}

/** Options of `evaluate`. */
export interface OnceOptions {
  /**
   * Names the call, in 1 to 256 printable ASCII characters: whoever repeats the request under the same key within a day gets
   * the same answer, and nothing is decided or charged a second time.
   */
  readonly idempotencyKey?: Maybe<string>;
}

/** One model call, reported after it was made. */
export interface UsageReport {
  /** The model, e.g. `gpt-4o`. */
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
  /** Names the call: a report with the same id within 48 hours is the same call. Default: a call of its own. */
  readonly usageId?: Maybe<string>;
  /** The conversation it belongs to. */
  readonly sessionId?: Maybe<string>;
}

/** Options of `remove`. */
export interface LayerOptions {
  /** Where it is attached. Default `project`. */
  readonly layer?: Maybe<Layer>;
}

/** Options of `policies.put`. */
export interface PolicyOptions extends LayerOptions {
  /** Whether it decides (`enforce`) or only reports (`monitor`, `alert`). Default `enforce`. */
  readonly mode?: Maybe<Mode>;
  /** Whether its layer bounds every layer below. */
  readonly ceiling?: Maybe<boolean>;
}

/** A rate limit to set. Its period is `per` or `perMs`. */
export interface Limit extends LayerOptions {
  /** The id, unique within the layer. */
  readonly id: string;
  /** Calls allowed in each period; also the largest burst. */
  readonly rate: number;
  /** The period: `second`, `minute`, `hour`, `day`, or a duration such as `10s`. */
  readonly per?: Maybe<string>;
  /** The period in milliseconds. */
  readonly perMs?: Maybe<number>;
  /** What is counted. Default `scope`. */
  readonly key?: Maybe<LimitKey>;
  /** The action whose calls alone are counted, e.g. `process_prompt`. Default: all. */
  readonly action?: Maybe<string>;
  /** What happens beyond the rate. Default `reject`. */
  readonly onExceed?: Maybe<OnExceed>;
  /** The longest wait in line, in milliseconds. Default 0. */
  readonly maxWaitMs?: Maybe<number>;
  /** Count across processes that share the data folder. */
  readonly shared?: Maybe<boolean>;
}

/** Options of `limits.acquire`. */
export interface AcquireOptions {
  /** Which counter, for limits with the key `custom`. Default `""`. */
  readonly key?: Maybe<string>;
  /** How much to take. Default 1. */
  readonly cost?: Maybe<number>;
}

/** A change of settings: absent fields stay as they are. */
export interface SettingsChange {
  /** Callers may not ask for a laxer mode than this. */
  readonly modeFloor?: Maybe<Mode>;
  /** How strongly the audit trail is kept. */
  readonly auditClass?: Maybe<AuditClass>;
  /** Whether redaction entries carry the original text. */
  readonly redactionOriginals?: Maybe<boolean>;
  /** How long an idle session is remembered, in seconds. */
  readonly sessionTtlSeconds?: Maybe<number>;
  /**
   * Metadata keys the project declares by hand, each with its type (`String`, `Long`, `Bool`, `Set<String>`), in the place of
   * those before.
   */
  readonly metadataKeys?: Maybe<Readonly<Record<string, string>>>;
}

/** Options of `audit.query`. */
export interface AuditQuery {
  /** A sequence to start after, an RFC 3339 time, or a duration such as `7d` ago. Default: the first row. */
  readonly since?: Maybe<number | string>;
  /** Most rows to return, up to 10,000. Default 100. */
  readonly limit?: Maybe<number>;
  /** Which row comes first: `oldest` or `newest`. Default `oldest`. */
  readonly order?: Maybe<AuditOrder>;
  /** A sequence to end before: where the next page of the newest goes on. */
  readonly before?: Maybe<number>;
}

/**
 * What a caller presents: a token or key on its own, or the headers of its request.
 *
 * Headers come as fetch's `Headers` or anything else that gives pairs, or as a plain object such as Node's
 * `req.headersDistinct` and `req.headers`. Give `req.headersDistinct` where there is a choice: `req.headers` has dropped
 * every `Authorization` but the first before anybody could refuse the request, and `headersDistinct` keeps them.
 */
export type Credential =
  | string
  | Iterable<readonly [name: string, value: string]>
  | Readonly<Record<string, Maybe<string | readonly string[]>>>;

/** Options of `authenticate`: the rest of the request, where there is one. */
export interface AuthenticateOptions {
  /** The request's method. */
  readonly method?: Maybe<string>;
  /** The request's path and query; a query may carry a token for streams only. */
  readonly target?: Maybe<string>;
  /** The peer's address. Dev mode's headers are taken from this machine only. */
  readonly peer?: Maybe<string>;
}

/**
 * Where an issuer's tokens say what we need to know. A text that starts with `/` is a JSON pointer (RFC 6901); any other is
 * the name of a top-level claim.
 */
export interface ClaimPaths {
  /** The account. Default `account_id`. */
  readonly account?: Maybe<string>;
  /** The project, or a list of projects; a token without it reaches every project of its account. Default `project_id`. */
  readonly project?: Maybe<string>;
  /** Roles: a list of strings, or one string, which is one role whatever is in it. Default `role`. */
  readonly roles?: Maybe<string>;
  /**
   * OAuth scopes: a list of strings, or one string separated by spaces. A token without the claim that is named here may do
   * nothing. Default: `scope`, `scp` and `scopes` are read, and a token without any of them may do what its roles mean.
   */
  readonly scopes?: Maybe<string>;
}

/** An identity provider whose tokens are taken. One of `jwksUrl`, `jwks`, `secret` and `secretBase64` is given. */
export interface Issuer {
  /** The exact `iss` of its tokens. */
  readonly issuer: string;
  /** Tokens must name one of these in `aud`. Never empty. */
  readonly audience: readonly string[];
  /** Which claim names the audience in tokens without `aud`, e.g. `client_id` for access tokens of Cognito. */
  readonly audienceClaim?: Maybe<string>;
  /** The algorithms taken, and no others. Never empty; `HS256` stands alone. */
  readonly algorithms: readonly Algorithm[];
  /** Where its public keys are published. */
  readonly jwksUrl?: Maybe<string>;
  /** Its public keys, as a JWK set (RFC 7517). */
  readonly jwks?: Maybe<JsonObject>;
  /** The shared secret for `HS256`, at least 32 bytes. Kept sealed; never told again. */
  readonly secret?: Maybe<string>;
  /** The same, of bytes that are no text: in base64 or base64url. */
  readonly secretBase64?: Maybe<string>;
  /** Allows `jwksUrl` to name a private or loopback address, and plain HTTP. */
  readonly privateNetwork?: Maybe<boolean>;
  /** How far its clock may be off, in seconds: 0 to 300. Default 0. */
  readonly leewaySeconds?: Maybe<number>;
  /** The accounts it may speak for; `["*"]` for every account. Never empty. */
  readonly accounts: readonly string[];
  /** Every valid token is this project of the one account in `accounts`: single-tenant mode. */
  readonly project?: Maybe<string>;
  /** Where its tokens say what. */
  readonly claims?: Maybe<ClaimPaths>;
  /**
   * What the id of each of its principals starts with, before the token's subject, e.g. `okta:`. Of the issuers of one account
   * one may do without.
   */
  readonly principalPrefix?: Maybe<string>;
}

/** Options of `keys.list`; absent ones mean the caller's own. */
export interface KeyQuery {
  /** The account. */
  readonly accountId?: Maybe<string>;
  /** The project. */
  readonly projectId?: Maybe<string>;
}

/** Options of `keys.create`. */
export interface KeyOptions {
  /** The account it reaches. Default: the caller's own. */
  readonly accountId?: Maybe<string>;
  /** The project it reaches. Default: the caller's own, or the whole account where the caller reaches one. */
  readonly projectId?: Maybe<string>;
  /** Its OAuth scopes, no wider than its owner's. Empty: guard calls only. */
  readonly scopes?: Maybe<readonly string[]>;
  /** What its holder is to policies. Default `user`. */
  readonly type?: Maybe<PrincipalType>;
  /** The principal's id. Default: the key's own id. */
  readonly subject?: Maybe<string>;
  /** How long it lives, in seconds. Default: for ever. */
  readonly expiresInSeconds?: Maybe<number>;
  /** What the key starts with. Default: the platform's setting. */
  readonly prefix?: Maybe<string>;
  /** SHA-256 of a key another system made, hexadecimal: the key itself is then never known here. */
  readonly importSha256?: Maybe<string>;
  /** What it is for, for people; at most 1,024 bytes. */
  readonly description?: Maybe<string>;
  /** What the app calls the place it is used in, e.g. `live` or `test`; at most 64 bytes. */
  readonly environment?: Maybe<string>;
}

/** Options of `keys.rotate`. */
export interface RotateOptions {
  /** How long the old key is taken beside the new one, in seconds. Default 0. */
  readonly overlapSeconds?: Maybe<number>;
}

/** What a client sends to the token endpoint (RFC 6749). */
export interface TokenRequest {
  /** What is exchanged. */
  readonly grantType: "api_key" | "refresh_token";
  /** The key, for `api_key`. */
  readonly apiKey?: Maybe<string>;
  /** The refresh token, for `refresh_token`. */
  readonly refreshToken?: Maybe<string>;
  /** The scopes wanted, separated by spaces. Default: all the credential has. */
  readonly scope?: Maybe<string>;
  /** May confirm the credential's account; `default` says nothing. */
  readonly accountId?: Maybe<string>;
  /** May select a project within the credential's reach; `default` says nothing. */
  readonly projectId?: Maybe<string>;
}

/** Options of `tokens.issue`. */
export interface TokenOptions {
  /** The account. Default: the caller's own. */
  readonly accountId?: Maybe<string>;
  /** The project. Default: the caller's own, or every project of the account. */
  readonly projectId?: Maybe<string>;
  /** What the subject is to policies. Default `user`. */
  readonly type?: Maybe<PrincipalType>;
  /** Its roles, highest first. */
  readonly roles?: Maybe<readonly string[]>;
  /** Its OAuth scopes. Default: those its roles mean. */
  readonly scopes?: Maybe<readonly string[]>;
  /** Whether a refresh token comes with it. */
  readonly refresh?: Maybe<boolean>;
}

/** Lets principals of one tenant act in another, for named actions and a limited time. */
export interface NewGrant {
  /** The account whose principals may act. */
  readonly fromAccount: string;
  /** Its project. Default: all of them. */
  readonly fromProject?: Maybe<string>;
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
}

/** A policy every new project starts with. */
export interface NewPolicy extends PolicyOptions {
  /** The name, unique within the layer. */
  readonly name: string;
  /** The Cedar text. */
  readonly text: string;
}

/** What happens when a verified credential names an account nobody created. */
export interface NewAutoProvision {
  /** Whether it is created. Default: no. */
  readonly enabled?: Maybe<boolean>;
  /** Most accounts made up this way. Default 1,000. */
  readonly maxAccounts?: Maybe<number>;
  /** Most accounts made up this way in one minute. Default 60. */
  readonly perMinute?: Maybe<number>;
  /** Facts of what is created. */
  readonly facts?: Maybe<Facts>;
  /** Policies every new project starts with, beside the baseline. */
  readonly policies?: Maybe<readonly NewPolicy[]>;
  /** Limits every new project starts with. */
  readonly limits?: Maybe<readonly Limit[]>;
}

/** What the platform decides about identity: all of it, and what is absent takes its default. */
export interface NewIdentitySettings {
  /** The `iss` of our own tokens. Default: one made from the installation's key id. */
  readonly issuer?: Maybe<string>;
  /** The trust domain of agents' SPIFFE ids in our own tokens. Default `tenantry`. */
  readonly trustDomain?: Maybe<string>;
  /** What new API keys start with. Default `tnt_sk`; `hf_sk` for Highflame's clients. */
  readonly keyPrefix?: Maybe<string>;
  /** Lifetime of our access tokens, in seconds. Default one hour. */
  readonly accessTokenSeconds?: Maybe<number>;
  /** Lifetime of our refresh tokens, in seconds. Default 30 days. */
  readonly refreshTokenSeconds?: Maybe<number>;
  /** Most living API keys per project. Default 100. */
  readonly maxKeys?: Maybe<number>;
  /** Which scopes a role means, for credentials that carry roles and no scopes; the whole table. */
  readonly roles?: Maybe<Readonly<Record<string, readonly string[]>>>;
  /** What happens to accounts nobody has seen. */
  readonly autoProvision?: Maybe<NewAutoProvision>;
}
