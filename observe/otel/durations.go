package keyfitotel

import (
	"errors"

	"go.opentelemetry.io/otel/metric"
)

// durations are the instruments that the hooks write.
type durations struct {
	attempt, call metric.Float64Histogram
	keyEvents     metric.Int64Counter
}

func newDurations(meter metric.Meter) (*durations, error) {
	// The boundaries are those of the semantic conventions; a call also waits for limits.
	bounds := []float64{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10}
	attempt, err1 := meter.Float64Histogram("http.client.request.duration", metric.WithUnit("s"), metric.WithExplicitBucketBoundaries(bounds...),
		metric.WithDescription("Duration of HTTP client requests: of each attempt, to the headers of the response."))
	call, err2 := meter.Float64Histogram("keyfit.client.call.duration", metric.WithUnit("s"), metric.WithExplicitBucketBoundaries(append(bounds, 30, 60)...),
		metric.WithDescription("Duration of calls with all their attempts and waits."))
	events, err3 := meter.Int64Counter("keyfit.client.key.events", metric.WithUnit("{event}"), metric.WithDescription("Events of keyrings."))
	return &durations{attempt, call, events}, errors.Join(err1, err2, err3)
}
