// Shows an answer as its tokens arrive, and stops it.

import { ask } from "./clients.js";
import { panel, seconds } from "./panel.js";

export function answerPanel() {
  const { find, say } = panel("ai");
  const answer = find(".answer");
  const input = find("input");
  const stopButton = find(".stop");
  let current = null; // the question being answered; a newer one replaces it

  async function run(prompt) {
    current?.stop();
    input.value = prompt;
    answer.replaceChildren();
    answer.classList.add("writing");
    stopButton.disabled = false;
    say("live", "connecting");
    const start = performance.now();
    let pieces = 0;
    const mine = ask(prompt, (text) => {
      if (!text || mine !== current) return;
      if (pieces === 0) answer.dataset.first = `first word after ${Math.round(seconds(start) * 1000)} ms`;
      pieces += 1;
      answer.append(text);
      answer.scrollTop = answer.scrollHeight;
      say("live", `${pieces} pieces`);
    });
    current = mine;
    let end = ["done", () => `${pieces} pieces, ${answer.dataset.first}`];
    try {
      await mine.finished;
    } catch (error) {
      end = error.name === "AbortError" ? ["stopped", () => `stopped after ${pieces} pieces`] : ["failed", () => error.message];
    }
    if (mine !== current) return;
    current = null;
    answer.classList.remove("writing");
    stopButton.disabled = true;
    say(end[0], end[1]());
  }

  find("form").addEventListener("submit", (event) => {
    event.preventDefault();
    run(input.value);
  });
  find(".ideas").addEventListener("click", (event) => {
    if (event.target.matches("button")) run(event.target.textContent);
  });
  stopButton.addEventListener("click", () => current?.stop());
}
