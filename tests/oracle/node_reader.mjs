// Reads requests with Node's HTTP server, without a socket: a line of base64 in, a line of JSON out.
// `requests` are those that were whole, `error` is what the parser had against the next one, `open` one that is not whole.

import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Duplex } from "node:stream";

const MAX_HEAD_BYTES = 1 << 20; // sizes are not judged here

let found;

function take(request, response) {
  const entry = { method: request.method, target: request.url, parts: [], whole: false };
  found.entries.push(entry);
  request.on("data", (part) => entry.parts.push(part));
  request.on("end", () => { entry.whole = request.complete; });
  request.on("error", () => {});
  response.on("error", () => {});
  response.end();
}

// Without a Host, Node answers by itself: whether there is one is not judged here.
const server = createServer({ maxHeaderSize: MAX_HEAD_BYTES, requireHostHeader: false, insecureHTTPParser: false }, take);
server.on("checkContinue", take);
server.on("checkExpectation", take);
server.on("clientError", (error) => { found.error ??= error.code ?? String(error); });
server.on("connect", (_request, socket) => { found.error ??= "CONNECT"; socket.destroy(); });
server.on("upgrade", (_request, socket) => { found.error ??= "UPGRADE"; socket.destroy(); });
server.httpAllowHalfOpen = true;
server.maxHeadersCount = 0;

function turns(count) {
  return new Promise((resolve) => {
    const next = (left) => (left ? setImmediate(next, left - 1) : resolve());
    next(count);
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  found = { entries: [], error: null };
  const socket = new Duplex({ read() {}, write(_data, _encoding, done) { done(); } });
  socket.on("error", () => {});
  server.emit("connection", socket);
  socket.push(Buffer.from(line, "base64"));
  await turns(4); // what has arrived is parsed, and each body handed on
  const open = found.entries.some((entry) => !entry.whole);
  const error = found.error;
  socket.push(null); // an error behind this is about what is missing
  await turns(4);
  const unfinished = open || (error === null && found.error !== null);
  const requests = [];
  for (const entry of found.entries) {
    if (!entry.whole) break;
    requests.push([entry.method, entry.target, Buffer.concat(entry.parts).toString("base64")]);
  }
  socket.destroy();
  process.stdout.write(JSON.stringify({ requests, error, open: unfinished }) + "\n");
}
server.close();
