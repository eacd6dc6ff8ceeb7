/**
 * The bar on top: the product's name and the app's token.
 * The token lives in this page's memory; only "Remember in this tab" keeps it over a reload, and only until the tab closes.
 */
import { useId, useState } from "react";

import { cleanToken } from "./fetcher";

interface TokenBarProps {
  readonly token: string;
  readonly remember: boolean;
  onToken(token: string): void;
  onRemember(remember: boolean): void;
  /** The person is done typing: what was refused without the token may be asked again. */
  onSettled(): void;
}

function hintFor(token: string): string {
  const clean = cleanToken(token);
  if (clean === "") {
    return "Without a token only the schema can be read.";
  }
  return /^fg[sc]?_/.test(clean) ? "Sent as a header only, never in an address." : "Tokens start with fg_, fgs_ or fgc_.";
}

export function TokenBar({ token, remember, onToken, onRemember, onSettled }: TokenBarProps) {
  const [shown, setShown] = useState(false);
  const field = useId();
  const hint = useId();
  return (
    <header className="bar">
      <h1 className="bar-name">
        fieldgate <span className="bar-page">GraphiQL</span>
      </h1>
      <div className="bar-token" role="group" aria-label="Access">
        <label htmlFor={field}>Token</label>
        <span className="bar-field">
          <input
            id={field}
            type={shown ? "text" : "password"}
            value={token}
            placeholder="fg_…"
            aria-describedby={hint}
            autoComplete="off"
            autoCapitalize="off"
            spellCheck={false}
            onChange={(event) => onToken(event.target.value)}
            onBlur={onSettled}
            onKeyDown={(event) => event.key === "Enter" && onSettled()}
          />
          <button type="button" aria-label="Show the token" aria-pressed={shown} onClick={() => setShown(!shown)}>
            {shown ? "Hide" : "Show"}
          </button>
        </span>
        <label className="bar-remember">
          <input type="checkbox" checked={remember} onChange={(event) => onRemember(event.target.checked)} />
          Remember in this tab
        </label>
        <span id={hint} className="bar-hint">
          {hintFor(token)}
        </span>
      </div>
      <nav aria-label="More about this API">
        <a href="/schema.graphql" target="_blank" rel="noreferrer">
          Schema
        </a>
      </nav>
    </header>
  );
}
