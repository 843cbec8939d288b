package mockkey_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/keyfit/keyfit/mockserver/internal/mockkey"
)

func shapes() map[string]mockkey.Shape {
	return map[string]mockkey.Shape{
		"hex": mockkey.Hex("a", 16), "base64url": mockkey.Base64URL("a", 32),
		"base32": mockkey.Base32("a", 25), "double base64": mockkey.DoubleBase64("a", 32),
	}
}

func random(seed byte) func([]byte) {
	src := rand.NewChaCha8([32]byte{seed})
	return func(b []byte) { _, _ = src.Read(b) } // ChaCha8 has no error
}

func TestAMintedKeyIsKnownAndAChangedOneIsNot(t *testing.T) {
	t.Parallel()
	others := map[string]mockkey.Shape{
		"hex": mockkey.Hex("b", 16), "base64url": mockkey.Base64URL("b", 32),
		"base32": mockkey.Base32("b", 25), "double base64": mockkey.DoubleBase64("b", 32),
	}
	for name, s := range shapes() {
		key := s.Mint(random(1))
		if !s.Made(key) {
			t.Errorf("%s: %q is not recognized", name, key)
		}
		if others[name].Made(key) {
			t.Errorf("%s: %q is recognized under another tag", name, key)
		}
		for i := range key[:len(key)-3] { // the last characters may have unused bits
			other := byte('b')
			if key[i] == 'b' {
				other = 'c'
			}
			if s.Made(key[:i] + string(other) + key[i+1:]) {
				t.Errorf("%s: a change at %d is not noticed", name, i)
			}
		}
		for _, bad := range []string{"", key[1:], key + key, strings.Repeat("a", len(key))} {
			if s.Made(bad) {
				t.Errorf("%s: %q is recognized", name, bad)
			}
		}
	}
}

func TestTheZeroShapeMadeNothing(t *testing.T) {
	t.Parallel()
	var none mockkey.Shape
	if !none.IsZero() || none.Made("") || none.Made("anything") || mockkey.Hex("a", 16).IsZero() {
		t.Error("the zero shape is a shape")
	}
}

func TestAJWTIsKnownByItsSignature(t *testing.T) {
	t.Parallel()
	token := mockkey.MintJWT(map[string]any{"sub": "user001"})
	if !mockkey.MadeJWT(token) {
		t.Errorf("%q is not recognized", token)
	}
	for _, bad := range []string{"", ".", "a.b.c", token[:len(token)-1], "x" + token, strings.Replace(token, "J", "K", 1)} {
		if mockkey.MadeJWT(bad) {
			t.Errorf("%q is recognized", bad)
		}
	}
}

// within reports whether one of the shapes finds something in a text.
func within(all mockkey.Shapes, text string) bool {
	from, to := all.Find(text)
	return from < to
}

func TestAKeyIsFoundWithinAText(t *testing.T) {
	t.Parallel()
	var all mockkey.Shapes
	for _, s := range shapes() {
		all = append(all, s)
	}
	keys := []string{mockkey.MintJWT(map[string]any{"sub": "user001"})}
	for _, s := range all {
		keys = append(keys, s.Mint(random(2)), strings.TrimRight(s.Mint(random(3)), "="))
	}
	for _, key := range keys {
		for _, text := range []string{key, "xx" + key, key + "yy", "a-" + key + "-b"} {
			if !within(all, text) {
				t.Errorf("%q is not found in %q", key, text)
			}
		}
	}
	for _, text := range []string{"", "eyJ", "eyJ.eyJ.", strings.Repeat("a", 500), "Lorem-Fitsum"} {
		if within(all, text) {
			t.Errorf("something is found in %q", text)
		}
	}
}

// everywhere reports whether a key stands in a text, by a look at each place.
func everywhere(s mockkey.Shape, text string) bool {
	key := s.Mint(random(0))
	size := len(strings.TrimRight(key, "="))
	for at := range len(text) - min(size-1, len(text)) {
		if s.Made(text[at:at+size] + key[size:]) {
			return true
		}
	}
	return false
}

// randomText is of one alphabet for the most part, so that keys begin and end in it.
func randomText(src *rand.Rand, n int) string {
	alphabet := []string{"0123456789abcdef", "0123456789ABCDEF", "abcdefghijklmnopqrstuvwxyz234567", "QUJDZGVmMTIzNDU2Nzg5MA", "abcdefXYZ0189-_"}[src.IntN(5)]
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[src.IntN(len(alphabet))]
		if src.IntN(300) == 0 {
			b[i] = ".-+/= \xff"[src.IntN(7)]
		}
	}
	return string(b)
}

// TestAKeyIsFoundAtEveryPlace: as a look at each place would, also across the parts in which a
// long text is read.
func TestAKeyIsFoundAtEveryPlace(t *testing.T) {
	t.Parallel()
	src := rand.New(rand.NewPCG(1, 2))
	mint := random(4)
	for name, s := range shapes() {
		for range 150 {
			key := strings.TrimRight(s.Mint(mint), "=")
			before, after := randomText(src, src.IntN(1<<src.IntN(12))), randomText(src, src.IntN(200))
			text := before + key + after
			if from, to := (mockkey.Shapes{s}).Find(text); text[from:to] != key {
				t.Errorf("%s: %q is found, not %q in %q", name, text[from:to], key, text)
			}
			at, other := src.IntN(len(key)), randomText(src, 1)
			text = before + key[:at] + other + key[at+src.IntN(2):] + after // a changed, a missing or one more character
			if got, want := within(mockkey.Shapes{s}, text), everywhere(s, text); got != want {
				t.Errorf("%s: found %v, want %v in %q", name, got, want, text)
			}
		}
	}
}

// FuzzShapes: whatever random bytes a key is made of, it is recognized, and
// whatever a text is, searching it ends.
func FuzzShapes(f *testing.F) {
	f.Add([]byte{0}, "text")
	f.Add(bytes.Repeat([]byte{255}, 40), "eyJhbGciOiJIUzI1NiJ9.e30.")
	f.Fuzz(func(t *testing.T, seed []byte, text string) {
		for name, s := range shapes() {
			key := s.Mint(func(b []byte) { copy(b, seed) })
			if !s.Made(key) || !within(mockkey.Shapes{s}, "x"+key+text) {
				t.Errorf("%s: %q is not recognized", name, key)
			}
		}
		for name, s := range shapes() {
			if got, want := within(mockkey.Shapes{s}, text), everywhere(s, text); got != want {
				t.Errorf("%s: found %v, want %v in %q", name, got, want, text)
			}
		}
	})
}

// BenchmarkFind searches a text that is nothing but characters of keys, for each shape.
func BenchmarkFind(b *testing.B) {
	src := rand.New(rand.NewPCG(1, 2))
	letters := make([]byte, 16<<10)
	for i := range letters {
		letters[i] = "abcdef234567"[src.IntN(12)] // in every alphabet
	}
	text := string(letters)
	for name, s := range shapes() {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				(mockkey.Shapes{s}).Find(text)
			}
		})
	}
}
