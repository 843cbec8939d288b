package cli

import "testing"

func TestWhatLooksLikeAKey(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "key_000003", "team-a.key_000003", "imkitt", "rate_limted", "my-test-namespace-2026-11", "TestOrdersAreRetried",
		"2026-11-30T09:42:37Z", "http://127.0.0.1:4100/a1b2c3d4e5f6a7", "/tmp/a1b2c3d4e5f6a7", "./a1b2c3d4e5f6a7",
		"99999999999999999999", "99999999999h", "two words a1b2c3d4e5f6a7",
	} {
		if looksLikeKey(text) {
			t.Errorf("%q looks like a key", text)
		}
	}
	for _, text := range []string{
		"6ae6783f4fbde91b6eb88b73f0a699fa", "vqurbodxpoplitxudnrjx7sdwfcqjqynvlhngfyy", "sk_live_9fQ2xLr7TnB4vKd8WmZp",
		"-EhRq6dCxz8gkZ21xvN0aWdPpLrT7", "cnc0Tk5zaEpiYmYrOVYvZzRTVjFDcVlJMWVJ=", "3f2b8c1e-9d47-4a6b-8e15-7c2f90ab34de",
	} {
		if !looksLikeKey(text) {
			t.Errorf("%q does not look like a key", text)
		}
	}
}
