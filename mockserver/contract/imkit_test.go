package contract_test

import (
	"net/http"
	"testing"

	"github.com/keyfit/keyfit/mockserver"
)

// prepareIMKIT creates the users, rooms and message that the examples name. The
// ID of the message depends only on the seed and the clock.
func prepareIMKIT(t *testing.T, w *world, rt http.RoundTripper) {
	t.Helper()
	for _, step := range [][2]string{
		{"/admin/clients/list", `{"data":[{"_id":"user001","nickname":"Alice"},{"_id":"user002","nickname":"Bob"},{"_id":"user003"}]}`},
		{"/rooms/", `{"_id":"project-room-001","roomTags":["project"],"members":["user001","user002","user003"],"owner":"user001"}`},
		{"/rooms/", `{"_id":"project-room-003"}`},
		{"/messages", `{"room":"project-room-001","sender":"user002","messageType":"text","message":"hello"}`},
	} {
		if got := send(t, rt, w.p, http.MethodPost, step[0], step[1], w.key.Apply); got.status != http.StatusOK {
			t.Fatalf("%s: %d %s", step[0], got.status, got.body)
		}
	}
}

// A typed client may meet every documented variant, so each must succeed where
// the default does.
func TestIMKITsVariantsAnswerTheExamples(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]mockserver.Variant{
		"bare tokens": mockserver.BareTokens, "enveloped tokens": mockserver.EnvelopedTokens,
		"ids": mockserver.MemberStrings | mockserver.SenderStrings, "objects": mockserver.MemberObjects | mockserver.SenderObjects,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, mockserver.IMKIT, mockserver.WithoutRateLimits(), mockserver.WithProfile(mockserver.IMKIT, mockserver.Profile{Variants: v}))
			prepareIMKIT(t, w, w.rt.base)
			for _, o := range w.doc.operations() {
				if got := w.unchecked(t, &o); got.status != http.StatusOK {
					t.Errorf("%s: %d %.200s", &o, got.status, got.body)
				}
			}
		})
	}
}

// unchecked does the same as do without checking the schemas, which describe
// the default.
func (w *world) unchecked(t *testing.T, o *operation) answer {
	t.Helper()
	return send(t, w.rt.base, w.p, o.method, o.target, o.body, w.credential(o), o.putHeader)
}
