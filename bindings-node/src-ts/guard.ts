// Guard calls.

import { now, soon } from "./calls.js";
import { data, given } from "./data.js";
import { DetectResponse } from "./detections.js";
import type * as Native from "./native.js";
import { GuardOperations } from "./operations/guard.js";
import type {
  DetectOptions,
  EvaluateOptions,
  FileOptions,
  GuardRequest,
  JsonObject,
  OnceOptions,
  ToolCallOptions,
} from "./requests.js";
import { GuardResponse } from "./responses.js";

const decision = (json: string): GuardResponse => new GuardResponse(json);
const detection = (json: string): DetectResponse => new DetectResponse(json);

/**
 * See `Tenant.guard`. A denial is an answer; only an outage or bad input is an error.
 *
 * A promising call with more than 32 KiB of text in it never runs on the event loop's thread; a warm `…Sync` call with
 * less takes tens of microseconds.
 */
export class Guard extends GuardOperations {
  readonly #native: Native.Guard;

  /** @internal */
  constructor(tenant: Native.Tenant) {
    super(tenant);
    this.#native = tenant.guard;
  }

  /** Decides one call; with `idempotencyKey` once, however often it is repeated within a day. */
  evaluate(request: GuardRequest, options?: OnceOptions): Promise<GuardResponse> {
    return soon(() => this.#native.evaluate(given("request", request), given("options", options)), decision);
  }

  /** As `evaluate`, waiting. */
  evaluateSync(request: GuardRequest, options?: OnceOptions): GuardResponse {
    return now(() => this.#native.evaluateSync(given("request", request), given("options", options)), decision);
  }

  /** Decides on a prompt a user sends. */
  evaluatePrompt(content: string, options?: EvaluateOptions): Promise<GuardResponse> {
    return soon(() => this.#native.evaluatePrompt(content, given("options", options)), decision);
  }

  /** As `evaluatePrompt`, waiting. */
  evaluatePromptSync(content: string, options?: EvaluateOptions): GuardResponse {
    return now(() => this.#native.evaluatePromptSync(content, given("options", options)), decision);
  }

  /** Decides on a text a model gave back. */
  evaluateResponse(content: string, options?: EvaluateOptions): Promise<GuardResponse> {
    return soon(() => this.#native.evaluateResponse(content, given("options", options)), decision);
  }

  /** As `evaluateResponse`, waiting. */
  evaluateResponseSync(content: string, options?: EvaluateOptions): GuardResponse {
    return now(() => this.#native.evaluateResponseSync(content, given("options", options)), decision);
  }

  /** Decides on a tool call. The arguments' names and values are passed on untouched; every string is inspected. */
  evaluateToolCall(name: string, toolArguments?: JsonObject, options?: ToolCallOptions): Promise<GuardResponse> {
    return soon(() => {
      const [fields, rest] = [data("arguments", toolArguments), given("options", options)];
      return this.#native.evaluateToolCall(name, fields, rest);
    }, decision);
  }

  /** As `evaluateToolCall`, waiting. */
  evaluateToolCallSync(name: string, toolArguments?: JsonObject, options?: ToolCallOptions): GuardResponse {
    return now(() => {
      const [fields, rest] = [data("arguments", toolArguments), given("options", options)];
      return this.#native.evaluateToolCallSync(name, fields, rest);
    }, decision);
  }

  /** Decides on what a tool gave back. */
  evaluateToolResponse(name: string, content: string, options?: ToolCallOptions): Promise<GuardResponse> {
    return soon(() => this.#native.evaluateToolResponse(name, content, given("options", options)), decision);
  }

  /** As `evaluateToolResponse`, waiting. */
  evaluateToolResponseSync(name: string, content: string, options?: ToolCallOptions): GuardResponse {
    return now(() => this.#native.evaluateToolResponseSync(name, content, given("options", options)), decision);
  }

  /** Decides on a file that is read (the default) or, with `operation` `write`, written. */
  evaluateFile(content: string, path: string, options?: FileOptions): Promise<GuardResponse> {
    return soon(() => this.#native.evaluateFile(content, path, given("options", options)), decision);
  }

  /** As `evaluateFile`, waiting. */
  evaluateFileSync(content: string, path: string, options?: FileOptions): GuardResponse {
    return now(() => this.#native.evaluateFileSync(content, path, given("options", options)), decision);
  }

  /** Inspects without policies, limits or memory. */
  detect(content: string, options?: DetectOptions): Promise<DetectResponse> {
    return soon(() => this.#native.detect(content, given("options", options)), detection);
  }

  /** As `detect`, waiting. */
  detectSync(content: string, options?: DetectOptions): DetectResponse {
    return now(() => this.#native.detectSync(content, given("options", options)), detection);
  }
}
