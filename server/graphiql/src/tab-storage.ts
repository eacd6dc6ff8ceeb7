/**
 * What the page keeps, it keeps in this browser tab only: nothing goes to localStorage.
 * GraphiQL's history stores request headers even when told not to persist them, and a header may hold a token,
 * so headers are taken out of everything that is written.
 */
const PREFIX = "graphiql:";
const TOKEN_KEY = "graphiql:fieldgate-app-token";

function withoutHeaders(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), (key: string, value: unknown) => (key === "headers" ? undefined : value));
  } catch {
    return text; // A query or a width, not a stored object.
  }
}

/** The tab's store, or one in memory where the browser forbids storage. */
function openStore(): Storage {
  try {
    window.sessionStorage.getItem(TOKEN_KEY);
    return window.sessionStorage;
  } catch {
    const kept = new Map<string, string>();
    return {
      get length() {
        return kept.size;
      },
      key: (index) => [...kept.keys()][index] ?? null,
      getItem: (key) => kept.get(key) ?? null,
      setItem: (key, value) => void kept.set(key, value),
      removeItem: (key) => void kept.delete(key),
      clear: () => kept.clear(),
    };
  }
}

const store = openStore();

/** The storage that GraphiQL is given instead of localStorage. */
export const tabStorage = {
  get length(): number {
    return store.length;
  },
  getItem: (key: string): string | null => store.getItem(key),
  setItem(key: string, value: string): void {
    // INVARIANT: no header is ever stored.
    if (key !== `${PREFIX}headers`) {
      store.setItem(key, withoutHeaders(value));
    }
  },
  removeItem: (key: string): void => store.removeItem(key),
  clear(): void {
    const keys = Array.from({ length: store.length }, (_, index) => store.key(index));
    for (const key of keys) {
      if (key?.startsWith(PREFIX)) {
        store.removeItem(key);
      }
    }
  },
};

export function rememberedToken(): string | null {
  return store.getItem(TOKEN_KEY);
}

/** Keeps the token until the tab is closed, or forgets it. */
export function rememberToken(token: string | null): void {
  if (token) {
    store.setItem(TOKEN_KEY, token);
  } else {
    store.removeItem(TOKEN_KEY);
  }
}
