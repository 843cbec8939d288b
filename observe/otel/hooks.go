package keyfitotel

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/keyfit/keyfit"
)

// observed is what the context of a call, or of an attempt, carries for the hooks that come later.
// The span in the context itself may be another one by then, of a middleware.
type observed struct {
	span trace.Span
	key  string // fingerprint of the last attempt's key; attempts come one after another
}

type (
	callKey    struct{}
	attemptKey struct{}
)

func observedOf(ctx context.Context, name any) *observed {
	known, _ := ctx.Value(name).(*observed)
	return known
}

// Hooks returns the hooks, with those of [WithHooks]. [Observer.Options] has them; they are for a
// keyring that [keyfit.NewKeyring] makes.
func (o *Observer) Hooks() keyfit.Hooks {
	return keyfit.Hooks{CallStart: o.callStarts, Call: o.callEnds, AttemptStart: o.attemptStarts, Attempt: o.attemptEnds, Wait: o.waits, Key: o.keyEvent}
}

func (o *Observer) callStarts(ctx context.Context, e keyfit.CallEvent) context.Context {
	attrs := append([]attribute.KeyValue{providerName(e.Provider)}, request(e.Method, e.Origin, e.Path, e.Route)...)
	ctx, span := o.tracer.Start(ctx, spanName("keyfit call", e.Method, e.Route), trace.WithAttributes(attrs...))
	ctx = context.WithValue(ctx, callKey{}, &observed{span: span})
	return inner(ctx, o.hooks.CallStart, e)
}

func (o *Observer) callEnds(ctx context.Context, e keyfit.CallEvent) {
	failed := failure(e.StatusCode, e.Err)
	o.durations.call.Record(ctx, e.Duration.Seconds(), metric.WithAttributeSet(attribute.NewSet(o.ofCall(e, failed)...)))
	if call := observedOf(ctx, callKey{}); call != nil {
		call.span.SetAttributes(attribute.Int("keyfit.attempts", e.Attempts))
		ended(call.span, e.StatusCode, e.KeyFingerprint, e.RequestID, failed, e.Err)
		if cause := gateRefusal(e.Err); cause != "" {
			call.span.AddEvent("keyfit.refusal", trace.WithAttributes(refusalCause(cause)))
		}
		call.span.End()
	}
	if o.hooks.Call != nil {
		o.hooks.Call(ctx, e)
	}
}

func (o *Observer) attemptStarts(ctx context.Context, e keyfit.AttemptEvent) context.Context {
	attrs := append([]attribute.KeyValue{providerName(e.Provider), fingerprint(e.KeyFingerprint)}, request(e.Method, e.Origin, e.Path, e.Route)...)
	if e.Number > 1 {
		attrs = append(attrs, resent(e.Number-1))
	}
	if call := observedOf(ctx, callKey{}); call != nil {
		if call.key != "" && call.key != e.KeyFingerprint {
			call.span.AddEvent("keyfit.key.swap", trace.WithAttributes(fingerprint(e.KeyFingerprint), previousFingerprint(call.key), attempt(e.Number)))
		}
		call.key = e.KeyFingerprint
	}
	ctx, span := o.tracer.Start(ctx, spanName("", e.Method, e.Route), trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attrs...))
	ctx = context.WithValue(ctx, attemptKey{}, &observed{span: span})
	return inner(ctx, o.hooks.AttemptStart, e)
}

func (o *Observer) attemptEnds(ctx context.Context, e keyfit.AttemptEvent) {
	failed := failure(e.StatusCode, e.Err)
	o.durations.attempt.Record(ctx, e.Duration.Seconds(), metric.WithAttributeSet(attribute.NewSet(o.ofAttempt(e, failed)...)))
	if e.Refusal != "" {
		if call := observedOf(ctx, callKey{}); call != nil {
			call.span.AddEvent("keyfit.refusal", trace.WithAttributes(refusalCause(e.Refusal), attempt(e.Number), fingerprint(e.KeyFingerprint)))
		}
	}
	if own := observedOf(ctx, attemptKey{}); own != nil {
		if e.Refusal != "" {
			own.span.SetAttributes(refusalCause(e.Refusal))
		}
		ended(own.span, e.StatusCode, "", e.RequestID, failed, e.Err)
		own.span.End()
	}
	if o.hooks.Attempt != nil {
		o.hooks.Attempt(ctx, e)
	}
}

func (o *Observer) waits(ctx context.Context, e keyfit.WaitEvent) {
	if call := observedOf(ctx, callKey{}); call != nil {
		attrs := []attribute.KeyValue{waitReason(string(e.Reason)), attribute.Float64("keyfit.wait.expected", e.Duration.Seconds())}
		if e.Source != "" {
			attrs = append(attrs, attribute.String("keyfit.wait.hint", e.Source))
		}
		call.span.AddEvent("keyfit.wait", trace.WithAttributes(attrs...))
	}
	if o.hooks.Wait != nil {
		o.hooks.Wait(ctx, e)
	}
}

func (o *Observer) keyEvent(e keyfit.KeyEvent) {
	o.durations.keyEvents.Add(context.Background(), 1, metric.WithAttributes(providerName(e.Provider), attribute.String("keyfit.key.event", string(e.Kind))))
	if o.hooks.Key != nil {
		o.hooks.Key(e)
	}
}

// ended writes how a call or an attempt has ended into its span. The text of an error of keyfit is
// one line without a key, a query or a body.
func ended(span trace.Span, status int, key, requestID, failed string, err error) {
	if !span.IsRecording() {
		return
	}
	var attrs []attribute.KeyValue
	if status > 0 {
		attrs = append(attrs, statusCode(status))
	}
	if key != "" {
		attrs = append(attrs, fingerprint(key))
	}
	if requestID != "" {
		attrs = append(attrs, attribute.String("keyfit.request_id", requestID))
	}
	if failed != "" {
		attrs = append(attrs, errorType(failed))
		span.SetStatus(codes.Error, description(err))
	}
	span.SetAttributes(attrs...)
}

// description is the text of an error for a span. That of an answer is its status alone: a provider
// repeats in its message what it was sent, a query or a body with somebody's data.
func description(err error) string {
	if err == nil {
		return ""
	}
	if answer, ok := errors.AsType[*keyfit.APIError](err); ok && answer.StatusCode > 0 {
		return strings.TrimSpace(strconv.Itoa(answer.StatusCode) + " " + http.StatusText(answer.StatusCode))
	}
	return err.Error()
}

// inner calls a hook of the program's own, and returns the context that it wants.
func inner[E any](ctx context.Context, hook func(context.Context, E) context.Context, e E) context.Context {
	if hook != nil {
		if own := hook(ctx, e); own != nil {
			return own
		}
	}
	return ctx
}
