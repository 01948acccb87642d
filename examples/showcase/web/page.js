// Puts the page together: the five panels, the code beside them, and a first run of what the reader looks at.

import { answerPanel } from "./answer.js";
import * as clients from "./clients.js";
import { element } from "./panel.js";
import { eventsPanel } from "./events.js";
import { jobPanel } from "./job.js";
import { logsPanel } from "./logs.js";
import { streamPanel } from "./stream.js";

// One pattern for both languages: comment, string, decorator, keyword, number.
const TOKENS = new RegExp(
  [
    /(?<comment>#.*|\/\/.*)/,
    /(?<string>f?"[^"\n]*"|`[^`]*`)/,
    /(?<name>@[\w.]+)/,
    /(?<word>\b(?:async|await|break|const|def|else|export|for|from|function|if|import|in|new|return|throw|try|while|with|yield)\b)/,
    /(?<number>\b\d+\b)/,
  ]
    .map((part) => part.source)
    .join("|"),
  "g",
);

function highlight(code) {
  const source = code.textContent;
  const parts = [];
  let end = 0;
  for (const match of source.matchAll(TOKENS)) {
    const [kind] = Object.entries(match.groups).find(([, text]) => text !== undefined);
    parts.push(source.slice(end, match.index), element("span", kind, match[0]));
    end = match.index + match[0].length;
  }
  code.replaceChildren(...parts, source.slice(end));
}

for (const code of document.querySelectorAll("[data-client]")) {
  code.textContent = clients[code.dataset.client].toString();
}
document.querySelectorAll("pre code").forEach(highlight);

answerPanel();
jobPanel();

const firstRuns = { stream: streamPanel(), events: eventsPanel(), logs: logsPanel() };
for (const id of ["stream", "events"]) {
  document.querySelector(`#${id} .run`).addEventListener("click", firstRuns[id]);
}

const onSight = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      onSight.unobserve(target);
      firstRuns[target.parentElement.id]();
    }
  },
  { threshold: 0.4 },
);
for (const id of Object.keys(firstRuns)) onSight.observe(document.querySelector(`#${id} .stage`));
