package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"

	client "github.com/prometheus/client_golang/prometheus"
)

// meterProvider puts the metrics of OpenTelemetry on the same /metrics.
func meterProvider(registry *client.Registry) (*metric.MeterProvider, error) {
	reader, err := prometheus.New(prometheus.WithRegisterer(registry))
	if err != nil {
		return nil, err
	}
	return metric.NewMeterProvider(metric.WithReader(reader)), nil
}

// printer prints the first trace that it sees, as a tree. A program has an exporter in its place
// that sends traces to a collector.
type printer struct {
	out io.Writer

	mu    sync.Mutex
	spans []trace.ReadOnlySpan
	done  bool
}

func newPrinter(out io.Writer) *printer { return &printer{out: out} }

func (p *printer) OnStart(context.Context, trace.ReadWriteSpan) {}

func (p *printer) OnEnd(s trace.ReadOnlySpan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done {
		return
	}
	if p.spans = append(p.spans, s); s.Parent().IsValid() {
		return
	}
	p.done = true
	for _, s := range slices.Backward(p.spans) {
		if !s.Parent().IsValid() {
			p.print(s, "")
		}
	}
}

// print prints a span and, below it, its events and children by time.
func (p *printer) print(s trace.ReadOnlySpan, indent string) {
	_, _ = fmt.Fprintf(p.out, "%s%s  %s  %s%s\n", indent, s.Name(), s.EndTime().Sub(s.StartTime()).Round(time.Millisecond), s.SpanKind(), list(s.Attributes()))
	type line struct {
		at    time.Time
		print func()
	}
	var lines []line
	for _, e := range s.Events() {
		lines = append(lines, line{e.Time, func() { _, _ = fmt.Fprintf(p.out, "%s  ! %s%s\n", indent, e.Name, list(e.Attributes)) }})
	}
	for _, child := range p.spans {
		if child.Parent().SpanID() == s.SpanContext().SpanID() {
			lines = append(lines, line{child.StartTime(), func() { p.print(child, indent+"  ") }})
		}
	}
	slices.SortStableFunc(lines, func(a, b line) int { return a.at.Compare(b.at) })
	for _, l := range lines {
		l.print()
	}
}

func list(attrs []attribute.KeyValue) string {
	var b strings.Builder
	for _, a := range attrs {
		fmt.Fprintf(&b, "  %s=%s", a.Key, a.Value.String())
	}
	return b.String()
}

func (p *printer) Shutdown(context.Context) error   { return nil }
func (p *printer) ForceFlush(context.Context) error { return nil }
