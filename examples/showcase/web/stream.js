// Draws the pieces of /stream: a mark on the track and a line of text for each, at the moment it arrives.

import { readText } from "./clients.js";
import { element, panel, seconds } from "./panel.js";

const LENGTH = 2; // seconds from the first piece to the last

export function streamPanel() {
  const { find, say } = panel("stream");
  const track = find(".track");
  const pieces = find(".pieces");

  function draw(text, at) {
    const place = `${Math.min(at / LENGTH, 1) * 100}%`;
    const mark = element("i");
    mark.style.left = place;
    find(".fill").style.width = place;
    track.append(mark);
    const row = element("li");
    row.append(element("time", "", `${at.toFixed(2)} s`), element("span", "", text.trimEnd()));
    pieces.append(row);
  }

  return async function run() {
    find(".run").disabled = true;
    for (const mark of track.querySelectorAll("i")) mark.remove();
    find(".fill").style.width = 0;
    pieces.replaceChildren();
    say("live", "streaming");
    const start = performance.now();
    try {
      await readText("/stream", (text) => {
        if (text) draw(text, seconds(start));
      });
      say("done", `${pieces.children.length} pieces in ${seconds(start).toFixed(2)} s`);
    } catch (error) {
      say("failed", error.message);
    }
    find(".run").disabled = false;
  };
}
