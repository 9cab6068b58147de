// Stands between an editor and a language server, and notes what either says: `node recorder.mjs NOTES PROGRAM ARGUMENT…`.
// NOTES gets a line of JSON a message: {at: milliseconds since 1970, from: "client" or "server", message}.
import { spawn } from "node:child_process";
import { appendFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

/** Calls `hears` with each whole message of a stream of LSP's base protocol. */
export function reader(hears) {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const head = rest.indexOf("\r\n\r\n");
      if (head < 0) return;
      const length = Number(/content-length:\s*(\d+)/i.exec(rest.subarray(0, head).toString("ascii"))?.[1]);
      const end = head + 4 + length;
      if (rest.length < end) return;
      hears(JSON.parse(rest.subarray(head + 4, end).toString("utf8")));
      rest = rest.subarray(end);
    }
  };
}

function main([notes, program, ...args]) {
  const server = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
  const note = (from) => reader((message) => appendFileSync(notes, `${JSON.stringify({ at: performance.timeOrigin + performance.now(), from, message })}\n`));
  const [client, answers] = [note("client"), note("server")];
  process.stdin.on("data", (chunk) => {
    server.stdin.write(chunk);
    client(chunk);
  });
  process.stdin.on("end", () => server.stdin.end());
  server.stdout.on("data", (chunk) => {
    process.stdout.write(chunk);
    answers(chunk);
  });
  server.stdin.on("error", () => undefined); // it has ended: its exit code says so
  for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => server.kill(signal));
  server.on("exit", (code) => process.exit(code ?? 1));
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) main(process.argv.slice(2));
