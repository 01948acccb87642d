// Node's own `http` module, no framework: the streams as its manual writes them.
"use strict";
const fs = require("node:fs");
const http = require("node:http");
const https = require("node:https");

const TEXT = "Hello, World!";
const TOKEN = "a token of the answer";
const PIECES = 100;
const CHUNK = Buffer.from("x".repeat(63) + "\n");
const BIG_BODY = Buffer.from(Array.from({ length: 1 << 20 }, (_, i) => i & 255));
const PACE_MS = 20;
const HEARTBEAT_MS = 15000;
const EVENT_HEAD = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache, no-transform",
  "x-accel-buffering": "no",
};
const subscribers = new Set();

const event = (data) => `data: ${data}\n\n`;
const token = (n) => event(JSON.stringify({ n, msg: TOKEN }));

function answer(res, body, type = "text/plain; charset=utf-8") {
  res.writeHead(200, { "content-type": type, "content-length": Buffer.byteLength(body) });
  res.end(body);
}

function read(req, done) {
  const parts = [];
  req.on("data", (part) => parts.push(part));
  req.on("end", () => done(Buffer.concat(parts)));
}

function repeat(res, milliseconds, write) {
  const timer = setInterval(write, milliseconds);
  res.on("close", () => clearInterval(timer));
}

const routes = {
  "/plaintext": (req, res) => answer(res, TEXT),
  "/json": (req, res) => answer(res, JSON.stringify({ message: TEXT }), "application/json"),
  "/suspend": async (req, res) => {
    await new Promise(setImmediate);
    answer(res, TEXT);
  },
  "/down": (req, res) => answer(res, BIG_BODY, "application/octet-stream"),
  "/up": (req, res) => {
    let size = 0;
    req.on("data", (part) => (size += part.length));
    req.on("end", () => answer(res, String(size)));
  },
  "/chunks": (req, res) => {
    res.writeHead(200, { "content-type": "application/octet-stream" });
    for (let i = 0; i < PIECES; i++) res.write(CHUNK);
    res.end();
  },
  "/events": (req, res) => {
    res.writeHead(200, EVENT_HEAD);
    for (let i = 0; i < PIECES; i++) res.write(token(i));
    res.end();
  },
  "/paced": (req, res) => {
    res.writeHead(200, EVENT_HEAD);
    let number = 0;
    const write = () => res.write(token(number++));
    write();
    repeat(res, PACE_MS, write);
  },
  "/subscribe": (req, res) => {
    res.writeHead(200, EVENT_HEAD);
    res.write(event("ready"));
    subscribers.add(res);
    res.on("close", () => subscribers.delete(res));
  },
  "/publish": (req, res) =>
    read(req, (body) => {
      const frame = event(body);
      for (const subscriber of subscribers) subscriber.write(frame);
      answer(res, String(subscribers.size));
    }),
  "/idle": (req, res) => {
    res.writeHead(200, EVENT_HEAD);
    res.write(event("ready"));
    repeat(res, HEARTBEAT_MS, () => res.write(": heartbeat\n\n"));
  },
};

function listener(req, res) {
  const route = routes[req.url];
  if (route) route(req, res);
  else answer(res, req.url.slice("/users/".length));
}

const [certificate, key] = process.argv.slice(3);
const server = certificate
  ? https.createServer({ cert: fs.readFileSync(certificate), key: fs.readFileSync(key) }, listener)
  : http.createServer(listener);
server.listen({ port: Number(process.argv[2]), host: "127.0.0.1", backlog: 2048 });
