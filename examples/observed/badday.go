package main

import (
	"context"
	"errors"
	"time"

	"github.com/keyfit/keyfit/mockserver"
)

// goWrong is a day on which everything goes wrong that there is an alarm for.
func (s *service) goWrong(context.Context) error {
	// What the providers do is a scenario of the mock.
	_, err := s.mock.Play(mockserver.Scenario{Name: "bad-day", Steps: []mockserver.Step{
		{At: "0s", Note: "somebody reports the key as leaked", Revoke: &mockserver.RevokeStep{Provider: mockserver.Imin, Key: "search", Which: "all", Reason: "leaked"}},
		{At: "0s", Note: "the account is blocked for half an hour", Fault: &mockserver.FaultStep{
			Match: mockserver.Match{Provider: mockserver.IMKIT, KeyID: s.clients["billing"].key.ID}, Fault: mockserver.Throttle(30 * time.Minute),
		}},
	}})
	if err != nil {
		return err
	}
	// What goes wrong on our own side.
	s.clients["search"].busy.Store(true)  // who is refused tries again and again
	s.clients["mails"].busy.Store(true)   // a newsletter, and the limit is 50 in 10 s
	s.clients["visits"].proxy.Store(true) // a new proxy removes header fields that it does not know
	s.clients["customers"].store.fail(errors.New("the secret store is sealed"))
	keys := s.mock.Keys()
	s.clients["courses"].store.set(credential(keys.Issue(mockserver.MindKey), time.Now().Add(10*24*time.Hour)))
	s.clients["archive"].store.set(credential(keys.Issue(mockserver.MindKey), time.Now().Add(-time.Minute)))
	old := credential(keys.Issue(mockserver.Optimove), time.Time{})
	old.Issued = time.Now().Add(-100 * 24 * time.Hour) // and Optimove asks for new keys from time to time
	s.clients["invoices"].store.set(old)
	revoked := keys.Issue(mockserver.MindKey)
	s.clients["exams"].store.set(credential(revoked, time.Now().Add(300*24*time.Hour)))
	return keys.Revoke(revoked.ID, "")
}
