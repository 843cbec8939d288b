// A client of keyfit's mock server, for Node.js 18 and later. It has no dependencies: copy it,
// and change it. `require` takes it as it is, and so does
// `import { Mock } from "./keyfit-mock.cjs"`.
//
// It finds the mock by KEYFIT_ADMIN_URL and KEYFIT_ADMIN_TOKEN, which `keyfit run -- npm test`
// sets and `keyfit mock` prints.
"use strict";

const { AssertionError } = require("node:assert");
const { randomUUID } = require("node:crypto");

/** A refusal by the mock's admin API: `status`, and `message` with what was wrong. */
class MockError extends Error {
  constructor(status, message) {
    super(message);
    this.name = "MockError";
    this.status = status;
  }
}

/**
 * One namespace of a running mock: keys, clock, faults and requests of its own.
 *
 * Times are RFC 3339 or a Date; durations are text as in "90s", "24h" or "30d". A match is an
 * object such as `{provider: "imkit", method: "GET", path: "/rooms/*", outcome: "ok"}`.
 */
class Mock {
  #url;
  #token;

  /**
   * @param {{url?: string, token?: string, namespace?: string}} [options] where the mock is; the
   * environment says what is absent, and the namespace is then "default".
   */
  constructor({ url, token, namespace = "default" } = {}) {
    this.#url = (url ?? process.env.KEYFIT_ADMIN_URL ?? "").replace(/\/+$/, "");
    this.#token = token ?? process.env.KEYFIT_ADMIN_TOKEN ?? "";
    this.namespace = namespace;
    if (this.#url === "") {
      throw new Error("the mock's address is missing: set KEYFIT_ADMIN_URL, or run the tests by `keyfit run -- …`");
    }
  }

  // Keys

  /** Issues a key. Only this answer has its value: `{id, secret, headers, …}`. */
  issue(provider, options = {}) {
    return this.#call("POST", "/keys", { provider, ...options });
  }
  /** Issues a successor; the old key stays valid for the overlap ("0s" if absent). */
  rotate(id, overlap = "0s") {
    return this.#call("POST", `/keys/${encodeURIComponent(id)}/rotate`, { overlap });
  }
  /** Revokes a key at once. */
  revoke(id, reason = "") {
    return this.#call("POST", `/keys/${encodeURIComponent(id)}/revoke`, { reason });
  }
  /** Expires a key now. */
  expire(id) {
    return this.#call("POST", `/keys/${encodeURIComponent(id)}/expire`);
  }
  /** Refuses a key until it is enabled. */
  suspend(id) {
    return this.#call("POST", `/keys/${encodeURIComponent(id)}/suspend`);
  }
  /** Accepts a suspended key again. */
  enable(id) {
    return this.#call("POST", `/keys/${encodeURIComponent(id)}/enable`);
  }
  /** One key without its value. */
  key(id) {
    return this.#call("GET", `/keys/${encodeURIComponent(id)}`);
  }
  /** The keys in the order of issue, without their values. */
  keys(filter = {}) {
    return this.#all("/keys", filter);
  }

  // Providers

  /** The address that a client of the provider is given. */
  async baseURL(provider) {
    const own = await this.#call("GET", `/providers/${encodeURIComponent(provider)}`);
    if (own.url) return own.url;
    return (await this.#request("GET", `/v1/namespaces/default/providers/${encodeURIComponent(provider)}`)).url;
  }
  /** Changes the limit of every key without its own: `{requests: 10, per: "1m"}`. */
  limit(provider, limit) {
    return this.#call("PATCH", `/providers/${encodeURIComponent(provider)}`, { limit });
  }
  /** Says whether a request would be refused, and why. Nothing is consumed or recorded. */
  diagnose(request) {
    return this.#call("POST", "/diagnose", request);
  }

  // Clock

  /** The clock: `{mode, now, scale}`. */
  clock() {
    return this.#call("GET", "/clock");
  }
  /** Stops the clock, at a time if one is given. */
  freeze(at) {
    return this.#call("PUT", "/clock", { mode: "frozen", ...(at && { at: new Date(at).toISOString() }) });
  }
  /** Lets the clock run on from where it stands, `scale` times as fast as the machine's. */
  run(scale = 1) {
    return this.#call("PUT", "/clock", { mode: "running", scale });
  }
  /** Moves the clock forward. */
  advance(by) {
    return this.#call("POST", "/clock/advance", { by });
  }

  // Faults

  /** Injects a fault: `inject({kind: "status", status: 503}, {path: "/rooms"}, [{times: 2}])`. */
  inject(fault, match = {}, when = []) {
    return this.#call("POST", "/faults", { fault, match, when });
  }
  /** Removes a fault. */
  removeFault(id) {
    return this.#call("DELETE", `/faults/${encodeURIComponent(id)}`);
  }
  /** Removes every fault. */
  clearFaults() {
    return this.#call("DELETE", "/faults");
  }

  // Requests

  /** The requests that match, newest first. No key is in them. */
  requests(filter = {}) {
    return this.#all("/requests", filter);
  }
  /** How many requests match, by outcome, whatever the journal has forgotten. */
  count(match = {}) {
    return this.#call("POST", "/requests/count", { match });
  }
  /** Waits until n requests match, and returns them; fails after the timeout. */
  async waitFor(match, n = 1, timeout = "30s") {
    const got = await this.#call("POST", "/requests/wait", { match, n, timeout });
    if (!got.reached) throw new MockError(408, `after ${timeout} not ${n} requests match ${JSON.stringify(match)}`);
    return got.requests;
  }
  /** Fails unless so many requests match: `verify({path: "/rooms"}, {atLeast: 1, atMost: 3})` or `{n: 2}`. */
  verify(match, times) {
    return this.#verify({ match, ...times });
  }
  /** Fails unless requests have come that match these, in this order. */
  verifyInOrder(...matches) {
    return this.#verify({ inOrder: matches });
  }
  /** Forgets the requests and their counts. */
  forgetRequests() {
    return this.#call("DELETE", "/requests");
  }

  // The namespace

  /** Returns the namespace to the state of a new one; `reset("keys", "data")` keeps these parts. */
  reset(...keep) {
    return this.#call("POST", "/reset", { keep });
  }
  /** Saves the state under a name. */
  saveSnapshot(name) {
    return this.#call("POST", "/snapshots", { name });
  }
  /** Goes back to a saved state. */
  restoreSnapshot(name) {
    return this.#call("POST", `/snapshots/${encodeURIComponent(name)}/restore`);
  }
  /** Makes a namespace and returns its client. Tests that run side by side each take one. */
  async create(name = `t-${randomUUID()}`, { listen = false } = {}) {
    await this.#request("POST", "/v1/namespaces", { name, listen });
    return new Mock({ url: this.#url, token: this.#token, namespace: name });
  }
  /** Deletes the namespace and its keys. */
  delete() {
    return this.#call("DELETE", "");
  }

  async #verify(body) {
    const got = await this.#call("POST", "/requests/verify", body);
    if (!got.ok) throw new AssertionError({ message: got.why });
    return got;
  }

  async #all(path, filter) {
    const items = [];
    let cursor = "";
    do {
      const query = new URLSearchParams(filter);
      query.set("limit", "1000");
      if (cursor) query.set("cursor", cursor);
      const page = await this.#call("GET", `${path}?${query}`);
      items.push(...page.items);
      cursor = page.next;
    } while (cursor);
    return items;
  }

  #call(method, path, body) {
    return this.#request(method, `/v1/namespaces/${encodeURIComponent(this.namespace)}${path}`, body);
  }

  async #request(method, path, body) {
    const headers = { Authorization: `Bearer ${this.#token}` };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const answer = await fetch(this.#url + path, { method, headers, body: body && JSON.stringify(body), redirect: "error" });
    const text = await answer.text();
    const value = text === "" ? undefined : JSON.parse(text);
    if (!answer.ok) throw new MockError(answer.status, value?.detail ?? value?.title ?? answer.statusText);
    return value;
  }
}

/**
 * Gives each test a namespace of its own, with node:test, Jest or Vitest:
 *
 *     const { perTest } = require("./keyfit-mock.cjs");
 *     const current = perTest({ beforeEach, afterEach });
 *     test("…", async () => { const key = await current.mock.issue("imkit"); … });
 *
 * Tests of one file that run at the same time each call `new Mock().create()` instead.
 */
function perTest({ beforeEach, afterEach }, options) {
  const current = { mock: undefined };
  beforeEach(async () => {
    current.mock = await new Mock(options).create();
  });
  afterEach(async () => {
    await current.mock?.delete();
    current.mock = undefined;
  });
  return current;
}

exports.Mock = Mock;
exports.MockError = MockError;
exports.perTest = perTest;
