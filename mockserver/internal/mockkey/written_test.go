package mockkey_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/keyfit/keyfit/mockserver/internal/mockkey"
)

const alnum = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// TestAKeyOfAnyAlphabetIsKnownAndFound draws alphabets, prefixes and lengths.
func TestAKeyOfAnyAlphabetIsKnownAndFound(t *testing.T) {
	t.Parallel()
	draw := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		letters := []byte(alnum + "-_")
		draw.Shuffle(len(letters), func(i, j int) { letters[i], letters[j] = letters[j], letters[i] })
		alphabet := string(letters[:10+draw.IntN(len(letters)-9)])
		prefix := []string{"", "k", "sk_live_", "SG."}[draw.IntN(4)]
		n := mockkey.Digits(len(alphabet)) + 13 + draw.IntN(100)
		s, err := mockkey.Written("acme", prefix, alphabet, n)
		if err != nil {
			t.Fatal(err)
		}
		other, err := mockkey.Written("other", prefix, alphabet, n)
		if err != nil {
			t.Fatal(err)
		}
		key := s.Mint(random(byte(draw.IntN(256))))
		if !s.Made(key) || other.Made(key) || !strings.HasPrefix(key, prefix) || len(key) != len(prefix)+n {
			t.Errorf("%q %d: %q is not recognized, or under another tag", alphabet, n, key)
		}
		at := draw.IntN(len(key))
		changed := []byte(key)
		changed[at] = alphabet[(strings.IndexByte(alphabet, key[at])+1)%len(alphabet)]
		if s.Made(string(changed)) || s.Made(key[1:]) || s.Made(key+key[:1]) {
			t.Errorf("a change of %q at %d is not noticed", key, at)
		}
		text := strings.Repeat("a-", draw.IntN(300)) + key + strings.Repeat("zz", draw.IntN(3))
		if from, to := (mockkey.Shapes{s}).Find(text); text[from:to] != key {
			t.Errorf("%q is not found in %q", key, text)
		}
		if from, to := (mockkey.Shapes{s}).Find(strings.Repeat("a", 1000)); from != to {
			t.Error("something is found where nothing is")
		}
	}
}

func TestAShapeThatMakesNoGoodKeysIsRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		prefix, alphabet string
		n                int
	}{
		"no alphabet":        {"", "", 32},
		"a short alphabet":   {"", "abc", 32},
		"a letter twice":     {"", "0123456789a0", 32},
		"few characters":     {"", alnum, 12},
		"too many":           {"", alnum, mockkey.MaxSize + 1},
		"too many, prefixed": {"abc", alnum, mockkey.MaxSize - 2},
		"a negative length":  {"", alnum, -1},
	} {
		if _, err := mockkey.Written("a", tt.prefix, tt.alphabet, tt.n); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
