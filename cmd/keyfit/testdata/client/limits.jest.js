// The printed client under Jest: each test in its own namespace.
"use strict";

const { perTest } = require("./keyfit-mock.cjs");

const current = perTest({ beforeEach, afterEach });

async function look(key) {
  const url = await current.mock.baseURL("optimove");
  return (await fetch(url + "/current/general/GetLastDataUpdate", { headers: key.headers })).status;
}

test("a revoked key is refused", async () => {
  const key = await current.mock.issue("optimove");
  expect(await look(key)).toBe(200);
  await current.mock.revoke(key.id);
  expect(await look(key)).toBe(403);
  await current.mock.verifyInOrder({ outcome: "ok" }, { outcome: "revoked" });
});

test("the next test knows nothing of it", async () => {
  expect(await current.mock.keys()).toEqual([]);
  await expect(current.mock.verify({}, { n: 1 })).rejects.toThrow(/0/);
});
