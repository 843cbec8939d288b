package main

import (
	"strings"
	"testing"
)

func TestOAuthClientsAreRegisteredAndTheirTokensEnded(t *testing.T) {
	t.Parallel()
	mock := mockFor(t, "--log", "off", "--no-keys")
	client := runKeyfit(t, mock, "oauth", "register", "--name", "app", "--redirect-uri", "http://localhost/cb", "--json")
	id, secret := field(t, client.out, "id"), field(t, client.out, "secret")
	if id == "" || secret == "" {
		t.Fatalf("register: %+v", client)
	}
	if got := runKeyfit(t, mock, "oauth", "register", "--public", "--redirect-uri", "http://localhost/cb"); got.code != 0 || strings.Contains(got.out, "secret") {
		t.Errorf("a public client: %+v", got)
	}
	issued := runKeyfit(t, mock, "oauth", "issue", id, "--user", "ann")
	if issued.code != 0 || !strings.HasPrefix(issued.out, "access  key_") || !strings.Contains(issued.out, "\nrefresh key_") {
		t.Fatalf("issue: %+v", issued)
	}
	clients, tokens := runKeyfit(t, mock, "oauth", "clients").out, runKeyfit(t, mock, "oauth", "tokens").out
	for _, want := range []string{id, "app", "confidential", "public", "http://localhost/cb"} {
		if !strings.Contains(clients, want) {
			t.Errorf("clients: no %q in\n%s", want, clients)
		}
	}
	if strings.Contains(clients, secret) || strings.Contains(tokens, strings.Fields(issued.out)[2]) {
		t.Error("a list shows a value")
	}
	if !strings.Contains(tokens, "refresh") || !strings.Contains(tokens, "ann") {
		t.Errorf("tokens:\n%s", tokens)
	}
	for _, tt := range [][]string{
		{"the next authorization is approved\n", "oauth", "approve", "bob", "--scope", "read:user"},
		{"the next authorization is denied\n", "oauth", "deny"},
		{"1 expired\n", "oauth", "expire", "refresh"},
		{"1 expired\n", "oauth", "expire"},
	} {
		if got := runKeyfit(t, mock, tt[1:]...); got.code != 0 || got.out != tt[0] {
			t.Errorf("%v: %+v, want %q", tt[1:], got, tt[0])
		}
	}
	oneLine(t, "no such client", runKeyfit(t, mock, "oauth", "issue", "nobody"), 1, "no such OAuth client")
}
