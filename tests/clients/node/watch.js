// node watch.js ORIGIN: reads "/events" with the package `eventsource` until it gives up; prints what it saw as JSON.
import { EventSource } from "eventsource";

const seen = [];
const source = new EventSource(`${process.argv[2]}/events`);
source.onopen = () => seen.push("open");
source.onmessage = (event) => {
  seen.push([event.data, event.lastEventId]);
  fetch(`${process.argv[2]}/seen`, { method: "POST" });
};
source.addEventListener("named", (event) => seen.push(["named", event.data]));
source.onerror = () => {
  seen.push(source.readyState);
  if (source.readyState == EventSource.CLOSED) console.log(JSON.stringify(seen));
};
