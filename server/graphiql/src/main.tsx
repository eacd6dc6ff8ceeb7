import "graphiql/setup-workers/vite";
import "graphiql/style.css";
import "@graphiql/plugin-explorer/style.css";
import "./page.css";

import { createRoot } from "react-dom/client";

import { Page } from "./page";

const root = document.getElementById("root");
if (root === null) {
  throw new Error("index.html has no #root.");
}
createRoot(root).render(<Page />);
