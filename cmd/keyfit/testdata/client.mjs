// Creates an IMKIT user and meets each of the four documented errors.
// Run it with nothing but Node: keyfit run -- node client.mjs
import assert from "node:assert/strict";

const env = process.env;

async function call(method, url, headers, body) {
  const answer = await fetch(url, {
    method,
    headers: { "Content-Type": "application/json", ...headers },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  });
  return { status: answer.status, body: await answer.json() };
}

const admin = (method, path, body) =>
  call(method, env.KEYFIT_ADMIN_URL + "/v1/namespaces/default" + path, { Authorization: "Bearer " + env.KEYFIT_ADMIN_TOKEN }, body);

const users = env.IMKIT_BASE_URL + "/admin/clients";
const key = { "IM-API-KEY": env.IMKIT_API_KEY };

const made = await call("POST", users, key, { _id: "node001", nickname: "Ben" });
assert.equal(made.status, 200);
assert.equal(made.body.result._id, "node001");
const listed = await call("GET", users, key);
assert.ok(listed.body.result.data.some((user) => user._id === "node001"));
console.log("user created");

async function refused(code, status, call) {
  const got = await call;
  assert.deepEqual([got.status, got.body.error], [status, code]);
  console.log(status, code);
  return got.body;
}

await refused("MISSING_API_KEY", 401, call("GET", users, {}));
await refused("INVALID_API_KEY", 401, call("GET", users, { "IM-API-KEY": "0".repeat(60) }));
const pair = { "IM-CLIENT-KEY": env.IMKIT_CLIENT_KEY, "IM-Authorization": env.IMKIT_USER_TOKEN };
await refused("INSUFFICIENT_PERMISSIONS", 403, call("POST", users, pair, { _id: "node002" }));

const narrow = await admin("POST", "/keys", { provider: "imkit", limit: { requests: 1, per: "1m" } });
assert.equal(narrow.status, 201);
assert.equal((await call("GET", users, narrow.body.headers)).status, 200);
const limited = await refused("RATE_LIMIT_EXCEEDED", 429, call("GET", users, narrow.body.headers));
assert.ok(limited.retryAfter >= 1 && limited.retryAfter <= 60, `retryAfter ${limited.retryAfter}`);
assert.equal((await admin("POST", "/clock/advance", { by: "60s" })).status, 200);
assert.equal((await call("GET", users, narrow.body.headers)).status, 200);
console.log("limit over after 60 s");
