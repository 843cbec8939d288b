"""The printed client under pytest, each test in its own namespace."""

import json
import threading
import urllib.error
import urllib.request

import pytest
from keyfit_mock import Mock, MockError


def look(mock, key, path="/admin/connection-count"):
    request = urllib.request.Request(mock.base_url("imkit") + path, headers=key["headers"])
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status
    except urllib.error.HTTPError as refusal:
        return refusal.code


def test_a_key_lives_is_rotated_suspended_expired_and_revoked(mock):
    mock.freeze("2027-01-01T00:00:00Z")
    old = mock.issue("imkit", name="Lorem Fitsum")
    assert look(mock, old) == 200
    new = mock.rotate(old["id"], overlap="1h")
    assert (look(mock, old), look(mock, new)) == (200, 200)
    mock.advance("61m")
    assert (look(mock, old), look(mock, new)) == (401, 200)
    mock.suspend(new["id"])
    assert look(mock, new) == 401
    mock.enable(new["id"])
    assert look(mock, new) == 200
    assert mock.key(new["id"])["status"] == "active"
    mock.expire(new["id"])
    assert look(mock, new) == 401
    third = mock.issue("imkit")
    mock.revoke(third["id"], "a test")
    assert look(mock, third) == 401
    assert [k["id"] for k in mock.keys(provider="imkit")] == [old["id"], new["id"], third["id"]]
    assert third["secret"] not in json.dumps(mock.keys())
    assert mock.clock()["now"] == "2027-01-01T01:01:00Z"


def test_a_limit_refuses_and_the_end_of_the_window_lets_pass(mock):
    mock.freeze()
    mock.limit("imkit", 2, "1m")
    key = mock.issue("imkit")
    statuses = [look(mock, key) for _ in range(3)]
    mock.advance("1m")
    assert statuses + [look(mock, key)] == [200, 200, 429, 200]
    assert mock.run(scale=60)["mode"] == "running"


def test_faults_and_what_arrived(mock):
    key = mock.issue("imkit")
    fault = mock.inject({"kind": "status", "status": 503}, {"path": "/admin/*"}, [{"first": 1}])
    assert (look(mock, key), look(mock, key)) == (503, 200)
    mock.remove_fault(fault["id"])
    mock.clear_faults()
    match = {"provider": "imkit", "method": "GET"}
    assert len(mock.wait_for(match, 2)) == 2
    mock.verify(match, atLeast=1, atMost=2)
    mock.verify_in_order({"status": 503}, {"status": 200})
    with pytest.raises(AssertionError):
        mock.verify(match, n=5)
    with pytest.raises(MockError):
        mock.wait_for({"method": "PUT"}, 1, timeout="10ms")
    assert mock.count(match)["total"] == 2
    assert len(mock.requests(status=503)) == 1
    mock.forget_requests()
    assert mock.requests() == []
    assert mock.diagnose(provider="imkit", url="/admin/connection-count")["answer"]["status"] == 401


def test_a_snapshot_and_a_reset_that_keeps_keys(mock):
    key = mock.issue("imkit")
    mock.save_snapshot("seeded")
    mock.revoke(key["id"])
    mock.restore_snapshot("seeded")
    assert look(mock, key) == 200
    mock.reset("keys")
    assert look(mock, key) == 200
    mock.reset()
    assert look(mock, key) == 401


def test_a_mistake_is_a_mock_error_with_a_sentence(mock, monkeypatch):
    for status, wrong in [
        (400, lambda: mock.issue("imkitt")),
        (404, lambda: mock.key("key_/../x")),
        (404, lambda: Mock(namespace="nobody").keys()),
        (401, lambda: Mock(token="wrong").keys()),
    ]:
        with pytest.raises(MockError) as refused:
            wrong()
        assert refused.value.status == status and str(refused.value)
    monkeypatch.delenv("KEYFIT_ADMIN_URL")
    with pytest.raises(ValueError, match="KEYFIT_ADMIN_URL"):
        Mock()


def test_namespaces_do_not_see_each_other(mock):
    failed = []

    def use(own):
        try:
            key = own.issue("imkit")
            assert {look(own, key) for _ in range(20)} == {200}
            own.verify({}, n=20)
        except BaseException as e:  # noqa: BLE001 - of a thread
            failed.append(e)

    with mock.create() as other:
        threads = [threading.Thread(target=use, args=(own,)) for own in (mock, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failed == []
    with pytest.raises(MockError):
        other.keys()
