// The printed client under node:test: two files side by side, each test in its own namespace.
"use strict";

const assert = require("node:assert");
const { afterEach, beforeEach, test } = require("node:test");
const { Mock, MockError, perTest } = require("./keyfit-mock.cjs");

const current = perTest({ beforeEach, afterEach });

async function look(mock, key, path = "/admin/connection-count") {
  return fetch((await mock.baseURL("imkit")) + path, { headers: key.headers });
}

test("a key lives, is rotated, suspended, expired and revoked", async () => {
  const { mock } = current;
  await mock.freeze("2027-01-01T00:00:00Z");
  const old = await mock.issue("imkit", { name: "Lorem Fitsum" });
  assert.equal((await look(mock, old)).status, 200);
  const next = await mock.rotate(old.id, "1h");
  assert.deepEqual([(await look(mock, old)).status, (await look(mock, next)).status], [200, 200]);
  await mock.advance("61m");
  assert.deepEqual([(await look(mock, old)).status, (await look(mock, next)).status], [401, 200]);
  await mock.suspend(next.id);
  assert.equal((await look(mock, next)).status, 401);
  await mock.enable(next.id);
  assert.equal((await look(mock, next)).status, 200);
  assert.equal((await mock.key(next.id)).status, "active");
  await mock.expire(next.id);
  assert.equal((await look(mock, next)).status, 401);
  const third = await mock.issue("imkit");
  await mock.revoke(third.id, "a test");
  assert.equal((await look(mock, third)).status, 401);
  assert.deepEqual((await mock.keys({ provider: "imkit" })).map((k) => k.id), [old.id, next.id, third.id]);
  assert.ok(!JSON.stringify(await mock.keys()).includes(third.secret));
  assert.equal((await mock.clock()).now, "2027-01-01T01:01:00Z");
});

test("a limit refuses, and the window's end lets pass", async () => {
  const { mock } = current;
  await mock.freeze();
  await mock.limit("imkit", { requests: 2, per: "1m" });
  const key = await mock.issue("imkit");
  const statuses = [];
  for (let i = 0; i < 3; i++) statuses.push((await look(mock, key)).status);
  await mock.advance("1m");
  statuses.push((await look(mock, key)).status);
  assert.deepEqual(statuses, [200, 200, 429, 200]);
  await mock.run(60);
  assert.equal((await mock.clock()).mode, "running");
});

test("faults, and what arrived", async () => {
  const { mock } = current;
  const key = await mock.issue("imkit");
  const fault = await mock.inject({ kind: "status", status: 503 }, { path: "/admin/*" }, [{ first: 1 }]);
  assert.deepEqual([(await look(mock, key)).status, (await look(mock, key)).status], [503, 200]);
  await mock.removeFault(fault.id);
  await mock.clearFaults();
  const match = { provider: "imkit", method: "GET" };
  assert.equal((await mock.waitFor(match, 2)).length, 2);
  await mock.verify(match, { atLeast: 1, atMost: 2 });
  await mock.verifyInOrder({ status: 503 }, { status: 200 });
  await assert.rejects(mock.verify(match, { n: 5 }), { name: "AssertionError" });
  await assert.rejects(mock.waitFor({ method: "PUT" }, 1, "10ms"), MockError);
  assert.equal((await mock.count(match)).total, 2);
  assert.equal((await mock.requests({ status: "503" })).length, 1);
  await mock.forgetRequests();
  assert.equal((await mock.requests()).length, 0);
  const why = await mock.diagnose({ provider: "imkit", url: "/admin/connection-count" });
  assert.equal(why.answer.status, 401);
});

test("a snapshot, and a reset that keeps keys", async () => {
  const { mock } = current;
  const key = await mock.issue("imkit");
  await mock.saveSnapshot("seeded");
  await mock.revoke(key.id);
  await mock.restoreSnapshot("seeded");
  assert.equal((await look(mock, key)).status, 200);
  await mock.reset("keys");
  assert.equal((await look(mock, key)).status, 200);
  await mock.reset();
  assert.equal((await look(mock, key)).status, 401);
});

test("a mistake is a MockError with a sentence", async () => {
  const { mock } = current;
  await assert.rejects(mock.issue("imkitt"), (e) => e instanceof MockError && e.status === 400 && /imkit/.test(e.message));
  await assert.rejects(mock.key("key_/../x"), { status: 404 });
  await assert.rejects(new Mock({ namespace: "nobody" }).keys(), { status: 404 });
  await assert.rejects(new Mock({ token: "wrong" }).keys(), { status: 401 });
  assert.throws(() => new Mock({ url: "" }), /KEYFIT_ADMIN_URL/);
});

test("namespaces do not see each other", async () => {
  const { mock } = current;
  const other = await mock.create();
  try {
    await Promise.all([mock, other].map(async (m) => {
      const key = await m.issue("imkit");
      for (let i = 0; i < 20; i++) assert.equal((await look(m, key)).status, 200);
      await m.verify({}, { n: 20 });
    }));
  } finally {
    await other.delete();
  }
  await assert.rejects(other.keys(), { status: 404 });
});
