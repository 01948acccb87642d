// Follows the log: the newest entries at the bottom, in sight unless the reader has scrolled up.

import { followLog } from "./clients.js";
import { element, panel } from "./panel.js";

const ENTRIES_KEPT = 200; // older ones leave the page
const NEAR_END = 24; // pixels from the end that still count as "at the end"
const HEAD = /^(\S+) ([A-Z]+) +(\S+) +(.*)$/; // time, level, source, message

export function logsPanel() {
  const { find, say } = panel("logs");
  const log = find(".log");
  const button = find(".run");
  let leave = null; // closes the connection while one is open

  function onEntry(number, [first, ...more]) {
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_END;
    const [, time, level, source, message] = HEAD.exec(first);
    const row = element("li", level.toLowerCase());
    row.dataset.number = number;
    row.append(element("time", "", time), element("b", "", level), element("i", "", source));
    row.append(element("span", "", [message, ...more].join("\n")));
    log.append(row);
    if (log.children.length > ENTRIES_KEPT) log.firstElementChild.remove();
    if (atEnd) log.scrollTop = log.scrollHeight;
  }

  function onState(kind) {
    if (kind === "live") say("live", "following");
    else say("stopped", "connection lost, trying again");
  }

  function toggle() {
    if (leave) {
      leave();
      leave = null;
      say("stopped", "paused");
    } else {
      leave = followLog(onEntry, onState);
    }
    button.textContent = leave ? "Pause" : "Follow";
  }

  button.addEventListener("click", toggle);
  return toggle;
}
