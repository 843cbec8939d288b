package mockserver

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const (
	defaultErrorBody = `{"error":{"code":"{code}","message":"{message}"}}`
	jsonType         = "application/json"
)

// refusalKind is what an outcome is answered as unless the API says otherwise.
type refusalKind struct {
	outcome       Outcome
	next          Outcome // whose answer it takes; "" takes none
	status        int
	code, message string
}

// refusalKinds lists the outcomes that an API answers. next comes before.
func refusalKinds() []refusalKind {
	const bad, none, noRight = http.StatusUnauthorized, http.StatusUnauthorized, http.StatusForbidden
	return []refusalKind{
		{UnknownKey, "", bad, "invalid_api_key", "The API key is invalid."},
		{MissingKey, "", none, "missing_api_key", "No API key was sent."},
		{InsufficientScope, "", noRight, "insufficient_permissions", "The API key may not do this."},
		{AccessDenied, InsufficientScope, 0, "", ""},
		{RateLimited, "", http.StatusTooManyRequests, "rate_limit_exceeded", "Too many requests; try again in {retryAfter} s."},
		{InvalidRequest, "", http.StatusBadRequest, "invalid_request", "The request does not fit the API: {problem}."},
		{NotFound, "", http.StatusNotFound, "not_found", "There is no such resource."},
		{outcome: NotAMockKey, next: UnknownKey},
		{outcome: Expired, next: UnknownKey},
		{outcome: Revoked, next: UnknownKey},
		{outcome: Suspended, next: UnknownKey},
		{outcome: DuplicateKey, next: UnknownKey},
		{outcome: WrongScheme, next: MissingKey},
		{outcome: WrongHeader, next: MissingKey},
		{outcome: MissingPair, next: MissingKey},
	}
}

// profile makes the answers of the API, and the headers that they add.
func (def *definition) profile() (Profile, map[Outcome]http.Header) {
	kinds := refusalKinds()
	known := make([]string, len(kinds))
	for i, k := range kinds {
		known[i] = string(k.outcome)
	}
	for _, o := range slices.Sorted(maps.Keys(def.Refusals)) {
		if !slices.Contains(known, string(o)) {
			slices.Sort(known)
			def.wrong("refusals."+string(o), "it is no refusal; there are %s%s", strings.Join(known, ", "), meant(string(o), known))
		}
	}
	p, headers := Profile{Hints: def.Hints, Answers: make(map[Outcome]Answer)}, make(map[Outcome]http.Header)
	def.parseError("errorBody", cmp.Or(def.ErrorBody, defaultErrorBody))
	if !plainText(def.ErrorType) || strings.Contains(def.ErrorType, "\n") {
		def.wrong("errorType", "%.60q is no content type", def.ErrorType)
	}
	made := make(map[Outcome]refusalKind)
	for _, k := range kinds {
		if k.next != "" {
			base := made[k.next]
			k.status, k.code, k.message = base.status, base.code, base.message
		}
		r, given := def.Refusals[k.outcome]
		if !given && k.next != "" {
			p.Answers[k.outcome], headers[k.outcome] = p.Answers[k.next], headers[k.next]
			made[k.outcome] = k
			continue
		}
		k.status, k.code, k.message = cmp.Or(r.Status, k.status), cmp.Or(r.Code, k.code), cmp.Or(r.Message, k.message)
		made[k.outcome] = k
		member := "refusals." + string(k.outcome)
		p.Answers[k.outcome] = def.answer(member, k, &r)
		def.checkHeader(member+".header", r.Header)
		headers[k.outcome] = headerOf(r.Header)
	}
	return p, headers
}

// answer fills in what is known beforehand. What is left, {retryAfter} and {requestId},
// a refused request fills in.
func (def *definition) answer(member string, k refusalKind, r *Refusal) Answer {
	if k.status < 400 || k.status > 599 {
		def.wrong(member+".status", "%d is not between 400 and 599", k.status)
	}
	if !oneTextLine(r.Challenge) {
		def.wrong(member+".challenge", "it is one line of printable characters")
	}
	body := cmp.Or(r.Body, def.ErrorBody, defaultErrorBody)
	if r.Body != "" {
		def.parseError(member+".body", r.Body)
	}
	message := def.parseError(member+".message", k.message)
	tpl, err := parseTemplate(body, func(string) bool { return true }, nil)
	if err != nil {
		return Answer{} // noted already
	}
	kind := cmp.Or(def.ErrorType, jsonType)
	text := tpl.render(kind, func(name string) string {
		switch name {
		case "status":
			return strconv.Itoa(k.status)
		case "code":
			return k.code
		case "outcome":
			return string(k.outcome)
		case "message":
			return message
		}
		if value, own := strings.CutPrefix(name, "values."); own {
			return r.Values[value]
		}
		return "{" + name + "}"
	})
	return Answer{Status: k.status, ContentType: kind, Body: text, Challenge: r.Challenge}
}

// parseError checks a template of a refusal, and returns it.
func (def *definition) parseError(member, text string) string {
	known := []string{"status", "code", "message", "outcome", "retryAfter", "scope", "requestId"}
	if strings.HasPrefix(member, "refusals."+string(InvalidRequest)) {
		known = append(known, "problem")
	}
	if strings.HasSuffix(member, ".message") {
		known = known[4:]
	} else {
		known = append(known, def.valueNames()...)
	}
	tpl, err := parseTemplate(text, func(name string) bool { return slices.Contains(known, name) }, known)
	if err != nil {
		def.wrong(member, "%s", err)
	}
	if def.RequestID == "" && slices.Contains(tpl.names(), "requestId") {
		def.wrong(member, "{requestId} needs requestId, the name of its header")
	}
	return text
}

// valueNames are the names of the values that refusals have, for templates.
func (def *definition) valueNames() []string {
	var out []string
	add := func(r *Refusal) {
		for name := range r.Values {
			out = append(out, "values."+name)
		}
	}
	for _, r := range def.Refusals {
		add(&r)
	}
	add(&def.Idempotency.Conflict)
	slices.Sort(out)
	return slices.Compact(out)
}
