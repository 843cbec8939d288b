package mockserver

import (
	"net/http"
	"strconv"
	"time"
)

// resetForms are the values of QuotaHeaders.ResetAs.
func resetForms() []string { return []string{"seconds", "epoch", "duration", "date"} }

// set writes the headers for a key that has a limit.
func (qh *QuotaHeaders) set(h http.Header, q quota, now time.Time) {
	if q.limit.none() {
		return
	}
	var reset string
	switch at := ceilSecond(now.Add(q.reset)); qh.ResetAs {
	case "epoch":
		reset = strconv.FormatInt(at.Unix(), 10)
	case "duration":
		reset = (time.Duration(seconds(q.reset)) * time.Second).String()
	case "date":
		reset = at.Format(time.RFC3339)
	default:
		reset = strconv.FormatInt(seconds(q.reset), 10)
	}
	period := strconv.FormatInt(seconds(q.limit.Per), 10)
	for name, value := range map[string]string{qh.Period: period, qh.Limit: strconv.Itoa(q.limit.Requests), qh.Remaining: strconv.Itoa(q.remaining), qh.Reset: reset} {
		if name != "" {
			h.Set(name, value)
		}
	}
}
