"""A client of keyfit's mock server, for Python 3.9 and later.

It has no dependencies: copy it, and change it. It finds the mock by KEYFIT_ADMIN_URL and
KEYFIT_ADMIN_TOKEN, which ``keyfit run -- pytest`` sets and ``keyfit mock`` prints.

With pytest, ``from keyfit_mock import mock`` in conftest.py gives each test that asks for the
fixture ``mock`` a namespace of its own::

    def test_wrong_key(mock):
        key = mock.issue("imkit")
        mock.revoke(key["id"])
"""

import json
import os
import urllib.error
import urllib.parse
import urllib.request
import uuid

__all__ = ["Mock", "MockError", "mock"]


class MockError(Exception):
    """A refusal by the mock's admin API: ``status``, and a sentence with what was wrong."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class Mock:
    """One namespace of a running mock: keys, clock, faults and requests of its own.

    Times are RFC 3339; durations are text as in "90s", "24h" or "30d". A match is a dict such
    as ``{"provider": "imkit", "method": "GET", "path": "/rooms/*", "outcome": "ok"}``.
    """

    def __init__(self, url=None, token=None, namespace="default"):
        """The environment says what is absent."""
        self._url = (url or os.environ.get("KEYFIT_ADMIN_URL", "")).rstrip("/")
        self._token = token or os.environ.get("KEYFIT_ADMIN_TOKEN", "")
        self.namespace = namespace
        if not self._url:
            raise ValueError("the mock's address is missing: set KEYFIT_ADMIN_URL, or run the tests by `keyfit run -- …`")

    # Keys

    def issue(self, provider, **options):
        """Issue a key. Only this answer has its value: id, secret, headers."""
        return self._call("POST", "/keys", {"provider": provider, **options})

    def rotate(self, id, overlap="0s"):
        """Issue a successor; the old key stays valid for the overlap."""
        return self._call("POST", "/keys/%s/rotate" % _segment(id), {"overlap": overlap})

    def revoke(self, id, reason=""):
        """Revoke a key at once."""
        return self._call("POST", "/keys/%s/revoke" % _segment(id), {"reason": reason})

    def expire(self, id):
        """Expire a key now."""
        return self._call("POST", "/keys/%s/expire" % _segment(id))

    def suspend(self, id):
        """Refuse a key until it is enabled."""
        return self._call("POST", "/keys/%s/suspend" % _segment(id))

    def enable(self, id):
        """Accept a suspended key again."""
        return self._call("POST", "/keys/%s/enable" % _segment(id))

    def key(self, id):
        """Return one key without its value."""
        return self._call("GET", "/keys/" + _segment(id))

    def keys(self, **filter):
        """Return the keys in the order of issue, without their values."""
        return self._all("/keys", filter)

    # Providers

    def base_url(self, provider):
        """Return the address that a client of the provider is given."""
        path = "/providers/" + _segment(provider)
        own = self._call("GET", path)
        return own.get("url") or self._request("GET", "/v1/namespaces/default" + path)["url"]

    def limit(self, provider, requests, per):
        """Change the limit of every key without its own: ``limit("imkit", 10, "1m")``."""
        return self._call("PATCH", "/providers/" + _segment(provider), {"limit": {"requests": requests, "per": per}})

    def diagnose(self, **request):
        """Say whether a request would be refused, and why. Nothing is consumed or recorded."""
        return self._call("POST", "/diagnose", request)

    # Clock

    def clock(self):
        """Return the clock: mode, now, scale."""
        return self._call("GET", "/clock")

    def freeze(self, at=None):
        """Stop the clock, at a time if one is given (text, or a datetime with a zone)."""
        body = {"mode": "frozen"}
        if at is not None:
            body["at"] = at if isinstance(at, str) else at.isoformat()
        return self._call("PUT", "/clock", body)

    def run(self, scale=1):
        """Let the clock run on from where it stands, ``scale`` times as fast as the machine's."""
        return self._call("PUT", "/clock", {"mode": "running", "scale": scale})

    def advance(self, by):
        """Move the clock forward."""
        return self._call("POST", "/clock/advance", {"by": by})

    # Faults

    def inject(self, fault, match=None, when=()):
        """Inject a fault: ``inject({"kind": "status", "status": 503}, {"path": "/rooms"})``."""
        return self._call("POST", "/faults", {"fault": fault, "match": match or {}, "when": list(when)})

    def remove_fault(self, id):
        """Remove a fault."""
        self._call("DELETE", "/faults/" + _segment(id))

    def clear_faults(self):
        """Remove every fault."""
        self._call("DELETE", "/faults")

    # Requests

    def requests(self, **filter):
        """Return the requests that match, newest first. No key is in them."""
        return self._all("/requests", filter)

    def count(self, match=None):
        """Return how many requests match, by outcome, whatever the journal has forgotten."""
        return self._call("POST", "/requests/count", {"match": match or {}})

    def wait_for(self, match, n=1, timeout="30s"):
        """Wait until n requests match, and return them; fail after the timeout."""
        got = self._call("POST", "/requests/wait", {"match": match, "n": n, "timeout": timeout})
        if not got["reached"]:
            raise MockError(408, "after %s not %d requests match %s" % (timeout, n, json.dumps(match)))
        return got["requests"]

    def verify(self, match, **times):
        """Fail unless so many requests match: ``verify({...}, atLeast=1, atMost=3)``, ``n=2``."""
        return self._verify({"match": match, **times})

    def verify_in_order(self, *matches):
        """Fail unless requests have come that match these, in this order."""
        return self._verify({"inOrder": list(matches)})

    def forget_requests(self):
        """Forget the requests and their counts."""
        self._call("DELETE", "/requests")

    # The namespace

    def reset(self, *keep):
        """Return to the state of a new namespace; ``reset("keys", "data")`` keeps these parts."""
        return self._call("POST", "/reset", {"keep": list(keep)})

    def save_snapshot(self, name):
        """Save the state under a name."""
        return self._call("POST", "/snapshots", {"name": name})

    def restore_snapshot(self, name):
        """Go back to a saved state."""
        return self._call("POST", "/snapshots/%s/restore" % _segment(name))

    def create(self, name=None, listen=False):
        """Make a namespace and return its client. Use it in a ``with``: the end deletes it."""
        name = name or "t-%s" % uuid.uuid4()
        self._request("POST", "/v1/namespaces", {"name": name, "listen": listen})
        return Mock(self._url, self._token, name)

    def delete(self):
        """Delete the namespace and its keys."""
        self._call("DELETE", "")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.delete()

    def _verify(self, body):
        got = self._call("POST", "/requests/verify", body)
        if not got["ok"]:
            raise AssertionError(got["why"])
        return got

    def _all(self, path, filter):
        items, query = [], {**filter, "limit": 1000}
        while True:
            page = self._call("GET", path + "?" + urllib.parse.urlencode(query))
            items += page["items"]
            if not page.get("next"):
                return items
            query["cursor"] = page["next"]

    def _call(self, method, path, body=None):
        return self._request(method, "/v1/namespaces/%s%s" % (_segment(self.namespace), path), body)

    def _request(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, method=method)
        request.add_header("Authorization", "Bearer " + self._token)
        if data is not None:
            request.add_header("Content-Type", "application/json")
        try:
            with _open(request) as answer:
                text = answer.read()
        except urllib.error.HTTPError as refusal:
            raise _refused(refusal) from None
        return json.loads(text) if text else None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None  # the token stays here


_open = urllib.request.build_opener(_NoRedirect).open


def _refused(refusal):
    text = refusal.read()
    try:
        message = json.loads(text)["detail"]
    except (ValueError, KeyError, TypeError):
        message = refusal.reason
    return MockError(refusal.code, message)


def _segment(text):
    return urllib.parse.quote(text, safe="")


try:
    import pytest
except ImportError:  # unittest and others call Mock().create() themselves
    mock = None
else:

    @pytest.fixture
    def mock():
        """A namespace of its own for one test."""
        with Mock().create() as own:
            yield own
