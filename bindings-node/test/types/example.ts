// Compiled, never run: what types allow and refuse.

import { Shield, Tenantry, type Decision, type GuardRequest, type GuardResponse, type Json } from "tenantry";
import { NotFound, TenantryError } from "tenantry";
import { Highflame } from "tenantry/compat/highflame";

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
  await acme.limits.set({ id: "a", rate: 1, per: "minute", key: "session" });
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
