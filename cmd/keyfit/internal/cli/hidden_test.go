package cli

import "testing"

func TestWhatLooksLikeAKey(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"":                                         false,
		"key_000003":                               false,
		"team-a.key_000003":                        false,
		"imkitt":                                   false,
		"rate_limted":                              false,
		"my-test-namespace-2026-11":                false,
		"TestOrdersAreRetried":                     false,
		"2026-11-30T09:42:37Z":                     false,
		"http://127.0.0.1:4100/a1b2c3d4e5f6a7":     false,
		"/tmp/a1b2c3d4e5f6a7":                      false,
		"./a1b2c3d4e5f6a7":                         false,
		"99999999999999999999":                     false,
		"99999999999h":                             false,
		"two words a1b2c3d4e5f6a7":                 false,
		"6ae6783f4fbde91b6eb88b73f0a699fa":         true,
		"vqurbodxpoplitxudnrjx7sdwfcqjqynvlhngfyy": true,
		"sk_live_9fQ2xLr7TnB4vKd8WmZp":             true,
		"-EhRq6dCxz8gkZ21xvN0aWdPpLrT7":            true,
		"cnc0Tk5zaEpiYmYrOVYvZzRTVjFDcVlJMWVJ=":    true,
		"3f2b8c1e-9d47-4a6b-8e15-7c2f90ab34de":     true,
	} {
		if got := looksLikeKey(text); got != want {
			t.Errorf("%q: %t", text, got)
		}
	}
}
