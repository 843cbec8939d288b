"""Creates an IMKIT user and meets each of the four documented errors.

Run it with nothing but Python: keyfit run -- python3 client.py
"""

import json
import os
import urllib.error
import urllib.request


def call(method, url, headers, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **headers}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.load(refusal)


def admin(method, path, body):
    headers = {"Authorization": "Bearer " + os.environ["KEYFIT_ADMIN_TOKEN"]}
    return call(method, os.environ["KEYFIT_ADMIN_URL"] + "/v1/namespaces/default" + path, headers, body)


users = os.environ["IMKIT_BASE_URL"] + "/admin/clients"
key = {"IM-API-KEY": os.environ["IMKIT_API_KEY"]}

status, answer = call("POST", users, key, {"_id": "py001", "nickname": "Ann"})
assert status == 200 and answer["result"]["_id"] == "py001", (status, answer)
status, answer = call("GET", users, key)
assert "py001" in [user["_id"] for user in answer["result"]["data"]], answer
print("user created")


def refused(code, want, got):
    status, answer = got
    assert status == want and answer["error"] == code, (code, status, answer)
    print(status, code)
    return answer


refused("MISSING_API_KEY", 401, call("GET", users, {}))
refused("INVALID_API_KEY", 401, call("GET", users, {"IM-API-KEY": "0" * 60}))
pair = {"IM-CLIENT-KEY": os.environ["IMKIT_CLIENT_KEY"], "IM-Authorization": os.environ["IMKIT_USER_TOKEN"]}
refused("INSUFFICIENT_PERMISSIONS", 403, call("POST", users, pair, {"_id": "py002"}))

status, narrow = admin("POST", "/keys", {"provider": "imkit", "limit": {"requests": 1, "per": "1m"}})
assert status == 201, (status, narrow)
assert call("GET", users, narrow["headers"])[0] == 200
answer = refused("RATE_LIMIT_EXCEEDED", 429, call("GET", users, narrow["headers"]))
assert 1 <= answer["retryAfter"] <= 60, answer
assert admin("POST", "/clock/advance", {"by": "60s"})[0] == 200
assert call("GET", users, narrow["headers"])[0] == 200
print("limit over after 60 s")
