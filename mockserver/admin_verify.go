package mockserver

import (
	"net/http"
	"strings"
)

type verifyBody struct {
	Match   Match   `json:"match"`
	N       *int    `json:"n"       doc:"the exact number of requests that must match; 0 if neither this nor a bound is given"`
	AtLeast *int    `json:"atLeast" doc:"the least number; with atMost, between the two"`
	AtMost  *int    `json:"atMost"  doc:"the greatest number"`
	InOrder []Match `json:"inOrder" doc:"instead of all others: requests that must have come in this order"`
}

type verifyView struct {
	OK     bool       `json:"ok"`
	Counts Counts     `json:"counts"`
	Why    string     `json:"why,omitempty"`  // in words; only if not ok
	Last   []Exchange `json:"last,omitempty"` // the last requests, matching or not; only if not ok
}

// times returns the numbers that the body asks for.
func (in *verifyBody) times() (Times, error) {
	for _, n := range []*int{in.N, in.AtLeast, in.AtMost} {
		if n != nil && *n < 0 {
			return Times{}, refused(http.StatusBadRequest, "n, atLeast and atMost are not negative")
		}
	}
	switch {
	case in.N != nil && (in.AtLeast != nil || in.AtMost != nil):
		return Times{}, refused(http.StatusBadRequest, "give n, or atLeast and atMost, not both")
	case in.N != nil:
		return Exactly(*in.N), nil
	case in.AtLeast != nil && in.AtMost != nil:
		if *in.AtLeast > *in.AtMost {
			return Times{}, refused(http.StatusBadRequest, "atLeast is more than atMost")
		}
		return FromTo(*in.AtLeast, *in.AtMost), nil
	case in.AtLeast != nil:
		return AtLeast(*in.AtLeast), nil
	case in.AtMost != nil:
		return AtMost(*in.AtMost), nil
	}
	return Exactly(0), nil
}

func adminVerify(c *adminCall) (any, error) {
	var in verifyBody
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	times, err := in.times()
	if err == nil {
		err = in.Match.valid(c.srv.Providers())
	}
	for i := range in.InOrder {
		if err == nil {
			err = in.InOrder[i].valid(c.srv.Providers())
		}
	}
	if err != nil {
		return nil, err
	}
	if in.InOrder != nil && (in.N != nil || in.AtLeast != nil || in.AtMost != nil) {
		return nil, refused(http.StatusBadRequest, "inOrder stands alone, without n, atLeast and atMost")
	}
	v := verifyView{Counts: c.ns.Counts(in.Match)}
	if in.InOrder != nil {
		err = c.ns.VerifyInOrder(in.InOrder...)
	} else {
		err = c.ns.Verify(in.Match, times)
	}
	if v.OK = err == nil; !v.OK {
		v.Why = strings.TrimPrefix(err.Error(), "mockserver: ")
		all := c.ns.Requests(Match{})
		v.Last = all[max(0, len(all)-20):]
	}
	return v, nil
}
