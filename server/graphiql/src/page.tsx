/**
 * GraphiQL over fieldgate's own endpoint, with the docs open: a field's description names the scope it needs.
 * The fetcher reads the token when it sends, so typing a token does not ask for the schema again.
 */
import { DOC_EXPLORER_PLUGIN } from "@graphiql/plugin-doc-explorer";
import { explorerPlugin } from "@graphiql/plugin-explorer";
import { HISTORY_PLUGIN } from "@graphiql/plugin-history";
import { GraphiQL } from "graphiql";
import { useMemo, useRef, useState } from "react";

import { createFetcher, type Outcome } from "./fetcher";
import { FIRST_QUERY } from "./first-query";
import { rememberedToken, rememberToken, tabStorage } from "./tab-storage";
import { TokenBar } from "./token-bar";

const PLUGINS = [explorerPlugin(), HISTORY_PLUGIN];
// On a narrow screen the open docs would leave no room to type.
const FIRST_OPEN = window.matchMedia("(min-width: 60rem)").matches ? { visiblePlugin: DOC_EXPLORER_PLUGIN } : {};

function describe({ status, errors, milliseconds, characters }: Outcome): string {
  const size = characters < 1000 ? `${characters} characters` : `${(characters / 1000).toFixed(1)} k characters`;
  const said = errors === 0 ? [] : [errors === 1 ? "1 error" : `${errors} errors`];
  return [status, ...said, `${milliseconds} ms`, size].join(" · ");
}

function useToken() {
  const [token, setToken] = useState(() => rememberedToken() ?? "");
  const [remember, setRemember] = useState(() => rememberedToken() !== null);
  const current = useRef(token);
  const change = (typed: string): void => {
    current.current = typed;
    setToken(typed);
    if (remember) {
      rememberToken(typed);
    }
  };
  const changeRemember = (wanted: boolean): void => {
    setRemember(wanted);
    rememberToken(wanted ? current.current : null);
  };
  return { token, remember, current, change, changeRemember };
}

export function Page() {
  const { token, remember, current, change, changeRemember } = useToken();
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  // A new fetcher makes GraphiQL ask for the schema again.
  const [attempt, setAttempt] = useState(0);
  const schemaFor = useRef<string | null>(null);
  const askedWith = useRef(token);
  const fetcher = useMemo(() => createFetcher(() => current.current, setOutcome), [attempt, current]);

  // A server may show its schema to apps only: then the first token is a reason to ask again.
  const settle = (): void => {
    if (schemaFor.current === null && askedWith.current !== current.current) {
      askedWith.current = current.current;
      setAttempt((count) => count + 1);
    }
  };

  return (
    <>
      <TokenBar token={token} remember={remember} onToken={change} onRemember={changeRemember} onSettled={settle} />
      <main className="page">
        <GraphiQL
          fetcher={fetcher}
          plugins={PLUGINS}
          {...FIRST_OPEN}
          defaultQuery={FIRST_QUERY}
          shouldPersistHeaders={false}
          showPersistHeadersSettings={false}
          storage={tabStorage as unknown as Storage}
          inputValueDeprecation
          schemaDescription
          onSchemaChange={() => {
            schemaFor.current = current.current;
          }}
        >
          <GraphiQL.Logo>
            <span />
          </GraphiQL.Logo>
          <GraphiQL.Footer>
            <p className={outcome?.failed ? "outcome outcome-failed" : "outcome"} role="status">
              {outcome === null ? "Nothing sent yet." : describe(outcome)}
            </p>
          </GraphiQL.Footer>
        </GraphiQL>
      </main>
    </>
  );
}
