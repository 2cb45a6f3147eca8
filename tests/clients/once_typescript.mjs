// The official TypeScript client calls `shell` once: what it got, as JSON. once_typescript.mjs SPECIFICATION
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [command, call, answer, modules] = JSON.parse(process.argv[2]);
const require = createRequire(modules + "/");
const load = (name) => import(pathToFileURL(require.resolve("@modelcontextprotocol/sdk/" + name)));
const { Client } = await load("client/index.js");
const { StdioClientTransport } = await load("client/stdio.js");
const { ElicitRequestSchema } = await load("types.js");

const capabilities = answer ? { elicitation: {} } : {};
const client = new Client({ name: "once", version: "1" }, { capabilities });
if (answer) {
  const yes = { action: "accept", content: { decision: answer } };
  const said = ["once", "session"].includes(answer) ? yes : { action: "decline" };
  client.setRequestHandler(ElicitRequestSchema, async () => said);
}
const [program, ...args] = command;
await client.connect(new StdioClientTransport({ command: program, args, env: process.env }));
console.log(JSON.stringify(await client.callTool({ name: "shell", arguments: call })));
await client.close();
