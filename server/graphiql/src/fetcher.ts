/**
 * Posts an operation to /graphql and always gives the response pane something to read.
 * A GraphQL answer is shown as it came, whatever its HTTP status; anything else becomes one error that says what happened.
 * The token travels in the Authorization header only.
 */
import type { Fetcher } from "@graphiql/toolkit";

export const ENDPOINT = "/graphql";
const ACCEPT = "application/graphql-response+json, application/json;q=0.9";
const MEDIA_TYPE_OF_JSON = /^application\/(?:[\w.-]+\+)?json\b/i;
const LONGEST_EXCERPT = 600;

/** What the line under the response says about the last answer. */
export interface Outcome {
  readonly status: string;
  readonly failed: boolean;
  readonly errors: number;
  readonly milliseconds: number;
  readonly characters: number;
}

interface Answer {
  readonly data?: unknown;
  readonly errors?: readonly { readonly message: string; readonly extensions?: Record<string, unknown> }[];
}

/** The token as it is meant: people paste it with spaces around it, or with the word Bearer. */
export function cleanToken(typed: string): string {
  return typed.trim().replace(/^Bearer\s+/i, "");
}

function failure(message: string, extensions: Record<string, unknown>): Answer {
  return { errors: [{ message, extensions }] };
}

function nextStep(status: number): string {
  if (status === 401) {
    return "Put a token of the right kind into Token above; one that was there is unknown, expired or revoked.";
  }
  if (status === 403) {
    return "Ask for fewer fields, or have the school grant what is missing.";
  }
  if (status === 413 || status === 429) {
    return "Ask for less at a time, or wait a little and run it again.";
  }
  return status >= 500 ? "Run it again; if that does not help, look into the server's log." : "Check the request.";
}

function isAnswer(value: unknown): value is Answer {
  return typeof value === "object" && value !== null && ("data" in value || "errors" in value);
}

function readAnswer(response: Response, text: string): Answer {
  const mediaType = response.headers.get("content-type") ?? "no content type";
  if (MEDIA_TYPE_OF_JSON.test(mediaType)) {
    try {
      const value: unknown = JSON.parse(text);
      if (isAnswer(value)) {
        return value;
      }
    } catch {
      // Said below, with an excerpt.
    }
  }
  const status = `HTTP ${response.status} ${response.statusText}`.trim();
  return failure(`The server answered ${status} with ${mediaType} instead of a GraphQL answer.`, {
    status: response.status,
    nextStep: nextStep(response.status),
    body: text.length > LONGEST_EXCERPT ? `${text.slice(0, LONGEST_EXCERPT)}…` : text,
  });
}

/** What the header editor holds counts more than the token field: it is the more particular wish. */
function requestHeaders(token: string, extra: Record<string, unknown> | undefined): Headers {
  const headers = new Headers({ Accept: ACCEPT, "Content-Type": "application/json" });
  if (token) {
    headers.set("Authorization", `Bearer ${token}`);
  }
  for (const [name, value] of Object.entries(extra ?? {})) {
    headers.set(name, String(value));
  }
  return headers;
}

export function createFetcher(token: () => string, report: (outcome: Outcome) => void): Fetcher {
  return async (params, options) => {
    const started = performance.now();
    const tell = (status: string, ok: boolean, answer: Answer, characters: number): Answer => {
      const errors = answer.errors?.length ?? 0;
      const milliseconds = Math.round(performance.now() - started);
      if (params.operationName !== "IntrospectionQuery") {
        report({ status, failed: !ok, errors, milliseconds, characters });
      }
      return answer;
    };
    let response: Response;
    let text: string;
    try {
      response = await fetch(ENDPOINT, {
        method: "POST",
        headers: requestHeaders(cleanToken(token()), options?.headers),
        body: JSON.stringify(params),
        // INVARIANT: the token is the only credential; a portal's cookies stay out of it.
        credentials: "omit",
        cache: "no-store",
        redirect: "error",
      });
      text = await response.text();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const answer = failure(`The request was not answered: ${reason}.`, {
        nextStep: "Check that the server runs, and that the token and the headers hold plain characters only.",
      });
      return tell("No answer", false, answer, 0) as object;
    }
    const answer = readAnswer(response, text);
    return tell(`HTTP ${response.status}`, response.ok, answer, text.length) as object;
  };
}
