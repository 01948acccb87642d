// node read.js URL: reads a body with Node's own fetch, and prints each piece, or how it broke off, as JSON.
const seen = [];
try {
  const response = await fetch(process.argv[2], { method: "POST", body: "question" });
  for await (const piece of response.body) {
    seen.push(Buffer.from(piece).toString());
    await fetch(new URL("/seen", process.argv[2]), { method: "POST" });
  }
} catch (error) {
  seen.push(error.name);
}
console.log(JSON.stringify(seen));
