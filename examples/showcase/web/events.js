// Draws the events of /events: one point for every update, one tag for every event.

import { watchUpdates } from "./clients.js";
import { element, panel, seconds } from "./panel.js";

// The plot inside the chart's view box, and the values at its far ends.
const PLOT = { left: 34, right: 404, top: 14, bottom: 190 };
const MOST = { time: 5, count: 4 };

const x = (time) => PLOT.left + (time / MOST.time) * (PLOT.right - PLOT.left);
const y = (count) => PLOT.bottom - (count / MOST.count) * (PLOT.bottom - PLOT.top);

export function eventsPanel() {
  const { find, say } = panel("events");
  const chart = find(".chart");
  const names = find(".names");

  function shape(parent, tag, attributes, text = "") {
    const made = document.createElementNS(chart.namespaceURI, tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.textContent = text;
    find(parent).append(made);
  }

  for (let count = 0; count <= MOST.count; count += 1) {
    shape(".grid", "path", { d: `M${PLOT.left} ${y(count)}H${PLOT.right}` });
    shape(".grid", "text", { x: PLOT.left - 12, y: y(count) + 4, "text-anchor": "end" }, count);
  }
  for (let time = 0; time <= MOST.time; time += 1) {
    shape(".grid", "text", { x: x(time), y: PLOT.bottom + 22, "text-anchor": "middle" }, `${time} s`);
  }

  let points = [];

  function draw() {
    const corners = points.map(([time, count]) => `${x(time).toFixed(1)} ${y(count).toFixed(1)}`).join("L");
    find(".line").setAttribute("d", corners && `M${corners}`);
    find(".area").setAttribute("d", corners && `M${x(points[0][0])} ${PLOT.bottom}L${corners}V${PLOT.bottom}Z`);
    const said = points.map(([time, count]) => `${count} after ${time.toFixed(1)} s`).join(", ");
    chart.setAttribute("aria-label", `Count over time: ${said || "no update yet"}`);
  }

  function onEvent(name, data, at) {
    names.append(element("li", name, name));
    if (name === "update") {
      const time = Math.min(at, MOST.time);
      points.push([time, data.count]);
      shape(".points", "circle", { cx: x(time), cy: y(data.count), r: 4.5 });
      draw();
    }
    if (name === "complete") say("done", `closed by the page after ${at.toFixed(2)} s`);
    if (name === "error") say("failed", "connection lost");
    find(".run").disabled = name !== "complete" && name !== "error";
  }

  return function run() {
    points = [];
    draw();
    find(".points").replaceChildren();
    names.replaceChildren();
    find(".run").disabled = true;
    say("live", "connected");
    const start = performance.now();
    watchUpdates("/events", (name, data) => onEvent(name, data, seconds(start)));
  };
}
