// Compiled, never run: what types allow and refuse.

import { Shield, Tenantry, type Decision, type GuardRequest, type GuardResponse, type Json } from "tenantry";
import type { Account, AuditRecord, Detector, Page, UsageReceipt, WhoAmI } from "tenantry";
import { NotFound, TenantryError, type AccessToken, type ApiKey, type Credential, type Identity, type NewApiKey } from "tenantry";
import type { IncomingMessage } from "node:http";
import { Highflame, ZeroIDClient } from "tenantry/compat/highflame";

export async function example(): Promise<void> {
  using client = new Tenantry({ inMemory: true, deadlineMs: 10_000 });
  const acme = await client.tenant("acme", "prod");
  const request: GuardRequest = { content: "hello", contentType: "prompt", metadata: { a: [1, { b: null }] } };
  const response: GuardResponse = await acme.guard.evaluate(request);
  const decision: Decision = response.decision;
  const reason: string | undefined = response.policyReason;
  const key: Json | undefined = response.context?.["pii_detected"];
  const names: string[] = response.signals.map((signal) => signal.name);
  const undefinedIsFine = acme.guard.evaluatePromptSync("hello", { mode: undefined, sessionId: null });
  const once: GuardResponse = await acme.guard.evaluate(request, { idempotencyKey: "k" });
  const detectors: readonly Detector[] = acme.guard.detectorsSync();
  const receipt: UsageReceipt = await acme.usage.report({ model: "gpt-4o", inputTokens: 5, usageId: null });
  // @ts-expect-error a call has a model
  await acme.usage.report({ inputTokens: 5 });
  void [once, detectors, receipt];
  await acme.limits.set({ id: "a", rate: 1, per: "minute", key: "session", action: "process_prompt" });
  const newest: readonly AuditRecord[] = await acme.audit.query({ order: "newest", before: 9, limit: 1 });
  const accounts: Page<Account> = await client.admin.accounts.list();
  const more: string | undefined = accounts.next;
  const who: WhoAmI = await acme.identity.whoami();
  console.log(newest.length, accounts.items.map(({ id }) => id), more, who.principal?.id);
  await acme.audit.query({ since: new Date() });
  // @ts-expect-error a page does not change
  accounts.push(accounts[0]);
  // @ts-expect-error option names are those of the table
  await acme.policies.put("p", "", { ceilling: true });
  await acme.audit.verify(await acme.audit.head());
  void [decision, reason, key, names, undefinedIsFine];

  const shield = new Shield(acme);
  const chat = shield.prompt(async (question: string, times: number) => question.repeat(times));
  const answer: string = await chat("hello", 2);
  const length: number = shield.toolSync((input: { text: string }) => input.text.length)({ text: answer });
  void length;

  const second = shield.prompt((count: number, text: string) => `${count} ${text}`, { arg: 1 });
  const repeated: string = await second(1, "x");
  const inferred = await shield.response(async () => "hello")();
  const same: string = inferred;
  const maybe: string | undefined = shield.responseSync((give: boolean) => (give ? "a" : undefined))(true);
  void [repeated, same, maybe];
  // @ts-expect-error the first argument is no text
  shield.prompt((count: number) => count);
  // @ts-expect-error nor is the second
  shield.prompt((text: string, count: number) => [text, count], { arg: 1 });
  // @ts-expect-error an answer is text
  shield.response(async () => 5);
  // @ts-expect-error a promise is no answer
  shield.responseSync(async () => "x");

  // @ts-expect-error parameters keep their types
  await chat(5, 2);
  // @ts-expect-error a mode is one of four words
  await acme.guard.evaluatePrompt("hello", { mode: "off" });
  // @ts-expect-error option names are this language's
  await acme.guard.evaluatePrompt("hello", { session_id: "s" });
  // @ts-expect-error content is text
  await acme.guard.evaluatePrompt(5);
  // @ts-expect-error data is data
  await acme.guard.evaluateToolCall("t", { when: new Date() });
  // @ts-expect-error results do not change
  response.decision = "allow";
  // @ts-expect-error a limit has an id
  await acme.limits.set({ rate: 1, per: "minute" });
  // @ts-expect-error handles come from a client
  new (await import("tenantry")).Guard({});

  await identities(client);

  try {
    await client.tenant("nobody", "prod");
  } catch (error) {
    if (error instanceof NotFound) {
      const kind: "NotFound" = error.kind;
      const after: number | undefined = error.retryAfterMs;
      void [kind, after];
    }
    if (error instanceof TenantryError) void error.code.length;
  }
  await using other = new Highflame({ apiKey: "hf_sk_...", accountId: "a", projectId: "p", maxRetries: 3 });
  const wire = await other.guard.evaluate({ content: "hello", content_type: "prompt", session_id: "s" });
  const why: string | undefined = wire.policy_reason;
  // @ts-expect-error requests are in the wire's names
  await other.guard.evaluate({ content: "hello", sessionId: "s" });
  void why;
}

async function identities(client: Tenantry): Promise<void> {
  const made: NewApiKey = await client.identity.keys.create("service", { accountId: "acme", type: "agent" });
  const record: ApiKey = made;
  const caller: Identity | undefined = (await client.authenticate(made.key)).caller;
  const roles: readonly string[] | undefined = caller?.principal.roles;
  const token: AccessToken = client.identity.tokens.exchangeSync({ grantType: "api_key", apiKey: made.key });
  const claim: Json | undefined = client.identity.tokens.introspectSync(token.accessToken).claims["sub"];
  void [record, roles, claim];

  const shapes = (request: IncomingMessage, fetched: Headers, pairs: readonly (readonly [string, string])[]): Credential[] => [
    request.headers,
    request.headersDistinct,
    fetched,
    pairs,
    new Map([["x-api-key", "k"]]),
    { "x-api-key": made.key, via: undefined },
  ];
  const handle = async (request: IncomingMessage) =>
    client.authenticate(request.headersDistinct, {
      method: request.method,
      target: request.url,
      peer: request.socket.remoteAddress,
    });
  void [shapes, handle];
  const tenant = await client.authenticate([["x-api-key", made.key]]);
  await tenant.requireScopes("tools:read", "tools:write");
  await tenant.identity.keys.rotate(made.id, { overlapSeconds: 60 });
  await client.identity.issuers.put({
    issuer: "https://idp.example",
    audience: ["app"],
    algorithms: ["RS256"],
    jwksUrl: "https://idp.example/jwks.json",
    accounts: ["*"],
    claims: { account: "/org/id" },
  });
  await client.identity.putSettings({ roles: { viewer: ["tools:read"] }, autoProvision: { enabled: true } });
  const [key] = (await client.identity.tokens.jwks()).keys;
  const type: Json | undefined = key?.["kty"];
  void type;
  // @ts-expect-error an algorithm is one of those we take
  await client.identity.issuers.put({ issuer: "i", audience: ["a"], algorithms: ["none"], accounts: ["*"] });
  // @ts-expect-error a header's value is text
  await client.authenticate({ "x-api-key": 5 });
  // @ts-expect-error there is no credential in nothing
  await client.authenticate(undefined);
  // @ts-expect-error keys have a name
  await client.identity.keys.create({ accountId: "acme" });
  // @ts-expect-error a grant says what it covers
  await client.admin.grants.create({ fromAccount: "a", toAccount: "b", toProject: "c", expiresInSeconds: 1, reason: "r" });

  await using zeroid = new ZeroIDClient({ baseUrl: "https://auth.zeroid.dev", accountId: "a", projectId: "p" });
  const issued = await zeroid.tokens.issueApiKey(made.key, { scope: "tools:read" });
  const expires: number = issued.expires_in;
  const scopes: readonly string[] = (await zeroid.tokens.verify(issued.access_token)).scopes;
  const created: string = (await zeroid.apiKeys.create({ name: "k", expires_in_days: 30 })).key;
  void [expires, scopes, created];
}
