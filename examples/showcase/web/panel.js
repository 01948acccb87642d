// What the five panels have in common: their parts, and the line that says what the connection is doing.

export function panel(id) {
  const section = document.getElementById(id);
  const state = section.querySelector(".state");
  return {
    find: (selector) => section.querySelector(selector),
    // kind: "live", "done", "stopped" or "failed"; it picks the colour of the dot.
    say(kind, text) {
      state.dataset.kind = kind;
      state.textContent = text;
    },
  };
}

export const seconds = (start) => (performance.now() - start) / 1000;

export function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}
