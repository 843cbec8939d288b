// The printed client in an ES module, in a namespace with listeners of its own.
import assert from "node:assert";
import { test } from "node:test";
import { Mock } from "./keyfit-mock.cjs";

test("requests without a known key belong to the listener's namespace", async () => {
  const mock = await new Mock().create(undefined, { listen: true });
  try {
    const url = await mock.baseURL("iiniit");
    assert.notEqual(url, await new Mock().baseURL("iiniit"));
    assert.equal((await fetch(url + "/v1/me", { headers: { Authorization: "ApiKey lorem" } })).status, 401);
    await mock.verify({ outcome: "not_a_mock_key" }, { n: 1 });
  } finally {
    await mock.delete();
  }
});
