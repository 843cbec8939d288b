package keyfit_test

import (
	"net/http"
	"time"

	"github.com/keyfit/keyfit"
)

const (
	simOld = "sim-old-key"
	simNew = "sim-new-key"
)

// alive is a provider to which a key works from one time to another.
func alive(life map[string][2]time.Duration) func(*simWorld, string, time.Duration) bool {
	return func(_ *simWorld, key string, at time.Duration) bool {
		l, known := life[key]
		return known && l[0] <= at && at < l[1]
	}
}

// offering is a source that offers the key of the last step that has begun.
func offering(steps ...any) func(*simWorld, time.Duration) (keyfit.Credential, error) {
	return func(_ *simWorld, at time.Duration) (keyfit.Credential, error) {
		key := steps[0].(string)
		for i := 1; i < len(steps); i += 2 {
			if at >= steps[i].(time.Duration) {
				key = steps[i+1].(string)
			}
		}
		if key == "" {
			return keyfit.Credential{}, errSimDown
		}
		return keyfit.APIKey(key), nil
	}
}

const (
	simAlways  = time.Hour
	simPublish = 120 * time.Second
)

// simCases are nine common cases of rotation, and harder ones.
func simCases() []simCase {
	sec := func(n int) time.Duration { return time.Duration(n) * time.Second }
	noGrace := alive(map[string][2]time.Duration{simOld: {0, simPublish}, simNew: {simPublish, simAlways}})
	late := offering(simOld, simPublish+sec(3), simNew)
	gap := "nothing works until the news is there"
	return []simCase{
		{
			name:   "overlap long enough",
			works:  alive(map[string][2]time.Duration{simOld: {0, sec(240)}, simNew: {sec(100), simAlways}}),
			offers: offering(simOld, simPublish, simNew),
		},
		{
			name:   "key published 60 s before it works",
			works:  alive(map[string][2]time.Duration{simOld: {0, sec(300)}, simNew: {sec(180), simAlways}}),
			offers: offering(simOld, simPublish, simNew),
		},
		{
			name:   "mistyped key, corrected after 90 s",
			works:  alive(map[string][2]time.Duration{simOld: {0, sec(300)}, simNew: {sec(100), simAlways}}),
			offers: offering(simOld, simPublish, "sim-mew-key", simPublish+sec(90), simNew),
		},
		{name: "old expires with no grace, new published 3 s later", works: noGrace, offers: late, without: gap, soon: true},
		{
			name: "edges converge over 30 s, both ways",
			works: func(w *simWorld, key string, at time.Duration) bool {
				lag := time.Duration(w.random() * float64(sec(30)))
				return key == simNew && at >= sec(120)+lag || key == simOld && at < sec(180)+lag
			},
			offers:  offering(simOld, simPublish, simNew),
			without: "a call may meet, one after the other, an edge that knows neither key yet",
		},
		{
			name:   "published, then rolled back",
			works:  alive(map[string][2]time.Duration{simOld: {0, simAlways}, simNew: {sec(100), sec(185)}}),
			offers: offering(simOld, simPublish, simNew, sec(180), simOld),
		},
		{
			name:   "secret store down 3 min after publishing",
			works:  alive(map[string][2]time.Duration{simOld: {0, sec(180)}, simNew: {sec(100), simAlways}}),
			offers: offering(simOld, simPublish, simNew, sec(126), "", sec(306), simNew),
		},
		{name: "emergency: old revoked, new 10 s later", works: noGrace, offers: offering(simOld, simPublish+sec(10), simNew), without: gap},
		{
			name:   "old revoked, never replaced",
			works:  alive(map[string][2]time.Duration{simOld: {0, simPublish}}),
			offers: offering(simOld), never: true,
		},

		{name: "four replicas, no grace, new published 3 s later", works: noGrace, offers: late, replicas: 4, without: gap, soon: true},
		{
			name: "5xx, resets and stalls mixed in, no grace", works: noGrace, offers: late, without: gap, soon: true,
			trouble: func(w *simWorld, _ time.Duration) (int, error) {
				switch n := w.random(); {
				case n < 0.04:
					return http.StatusBadGateway, nil
				case n < 0.06:
					return 0, errSimReset
				case n < 0.07:
					return 0, errSimStall
				}
				return 0, nil
			},
		},
		{
			name:   "a gateway that returns false 401s: for 2 s in every 20, and at random",
			works:  alive(map[string][2]time.Duration{simOld: {0, sec(240)}, simNew: {sec(100), simAlways}}),
			offers: offering(simOld, simPublish, simNew), without: "for a while every answer is a false refusal",
			trouble: func(w *simWorld, at time.Duration) (int, error) {
				if at%sec(20) < sec(2) || w.random() < 0.01 {
					return http.StatusUnauthorized, nil
				}
				return 0, nil
			},
		},
		{
			name:  "clock skew: by our clock each key expired ten minutes ago",
			works: alive(map[string][2]time.Duration{simOld: {0, sec(240)}, simNew: {sec(130), simAlways}}),
			offers: func(w *simWorld, at time.Duration) (keyfit.Credential, error) {
				cred, err := offering(simOld, simPublish, simNew)(w, at)
				cred.Expires = w.begin.Add(-10 * time.Minute)
				return cred, err
			},
		},
		{
			name:  "a source that alternates at random: old, new, nothing, down",
			works: alive(map[string][2]time.Duration{simOld: {0, sec(240)}, simNew: {sec(100), simAlways}}),
			offers: func(w *simWorld, at time.Duration) (keyfit.Credential, error) {
				if at < simPublish {
					return keyfit.APIKey(simOld), nil
				}
				switch n := w.random(); {
				case n < 0.3:
					return keyfit.APIKey(simOld), nil
				case n < 0.7:
					return keyfit.APIKey(simNew), nil
				case n < 0.85:
					return keyfit.Credential{}, nil
				}
				return keyfit.Credential{}, errSimDown
			},
		},
	}
}
