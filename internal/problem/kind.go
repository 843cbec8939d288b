package problem

import (
	"net/http"
	"regexp"
	"strings"
	"sync"
)

// Kind is which refusal a response is.
type Kind int

// The kinds.
const (
	Other       Kind = iota // none of the others
	MissingKey              // the provider saw no key
	InvalidKey              // the provider does not accept the key
	RateLimited             // too many requests
	Permission              // the key is known, and may not do this
)

var (
	saysInvalid   = compiled(`(?i)\b(invalid|not valid|unknown|wrong|expired|revoked|disabled|deleted)\b.*\b(key|token)\b|\b(key|token)\b.*\b(invalid|not valid|unknown|wrong|expired|revoked|disabled|deleted)\b`)        //nolint:gochecknoglobals // a constant that is compiled when it is first needed
	saysForbidden = compiled(`(?i)\b(not (permitted|allowed)|permission) to\b|\b(scopes?|privileges?)\b`)                                                                                                                  //nolint:gochecknoglobals // a constant that is compiled when it is first needed
	saysLimited   = compiled(`(?i)\brate.?limit|\btoo many (requests|calls)\b|\bthrottl|\b(api|calls?|requests?|daily|hourly|monthly|volume) (quota|limit)\b|\bquota will be\b|^\s*quota (limit )?(has been )?exceeded\b`) //nolint:gochecknoglobals // a constant that is compiled when it is first needed
)

// Classify returns the kind of a response to a request that carried a credential. usedUp says
// that its headers, or the named member of its body, speak of waiting or of a limit of which
// nothing is left.
//
// A 429 is the limit, and what a server of a gateway fails with (5xx) is none of the
// refusals. Otherwise the codes decide, then the challenge (RFC 6750, section 3.1), then the
// status; where a status stands for several things (403), what it says of the limit, then
// the words. The words of a 401 do not count: a credential came, and it was refused.
//
// A status below 300 is that of a provider which reports errors so; there the codes decide
// alone.
func Classify(status int, header http.Header, p Problem, usedUp bool) Kind {
	switch {
	case status >= http.StatusInternalServerError, status >= http.StatusMultipleChoices && status < http.StatusBadRequest:
		return Other
	case status == http.StatusTooManyRequests:
		return RateLimited
	}
	if kind := kindOfCodes(status, append([]string{p.Code}, p.Reasons...)); kind != Other {
		return kind
	}
	if strings.Contains(header.Get("WWW-Authenticate"), "insufficient_scope") {
		return Permission
	}
	switch status {
	case http.StatusUnauthorized:
		return InvalidKey
	case http.StatusForbidden:
		words := p.Message + " " + p.Text
		words = words[:min(len(words), maxPlainText)]
		switch {
		case usedUp || saysLimited().MatchString(words):
			return RateLimited
		case saysInvalid().MatchString(words) && !saysForbidden().MatchString(words):
			return InvalidKey
		}
		return Permission
	}
	return Other
}

// normal reduces the spellings of a code to one: rateLimitExceeded, RATE_LIMIT_EXCEEDED and
// policies.ratelimit.RateLimit-Exceeded.
func normal(code string) string {
	if len(code) > 128 {
		return ""
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, code[strings.LastIndexByte(code, '.')+1:])
}

// kindOfCodes returns the kind of the first code that has one. A code that only says "denied" gives
// way to a further one that says why: Google denies a permission because of a rate limit.
func kindOfCodes(status int, codes []string) Kind {
	denied := Other
	for _, code := range codes {
		code = normal(code)
		kind := kindOfCode(status, code)
		switch {
		case kind == Other:
		case kind == Permission && isBroad(code):
			denied = Permission
		case denied == Other || kind == kindOfCode(http.StatusBadRequest, code): // it means the same anywhere
			return kind
		}
	}
	return denied
}

// isBroad reports whether a code denies something without a reason.
func isBroad(code string) bool {
	switch code {
	case "PERMISSIONDENIED", "ACCESSDENIED", "FORBIDDEN", "NOPERMISSION":
		return true
	}
	return false
}

// kindOfCode returns the kind that a code stands for at many providers. A code that may speak
// of something else than this request's key, such as a token that is a parameter, counts only
// where the status, or the lack of one, leaves it open.
func kindOfCode(status int, code string) Kind {
	if strings.Contains(code, "RATELIMIT") || strings.Contains(code, "TOOMANYREQUESTS") || strings.Contains(code, "THROTTL") {
		return RateLimited
	}
	switch code {
	case "RESOURCEEXHAUSTED", "QUOTAEXCEEDED", "DAILYLIMITEXCEEDED", "REQUESTLIMITEXCEEDED", "OVERQUERYLIMIT",
		"PROVISIONEDTHROUGHPUTEXCEEDEDEXCEPTION", "QUOTAVIOLATION", "SPIKEARRESTVIOLATION":
		return RateLimited
	case "INVALIDAPIKEY", "APIKEYINVALID", "APIKEYEXPIRED", "EXPIREDAPIKEY", "APIKEYREVOKED", "INVALIDAPIKEYS",
		"INVALIDACCESSKEYID", "INVALIDCLIENTTOKENID", "UNRECOGNIZEDCLIENTEXCEPTION", "EXPIREDTOKENEXCEPTION":
		return InvalidKey
	case "MISSINGAPIKEY", "APIKEYMISSING", "NOAPIKEY", "NOTAUTHED":
		return MissingKey
	case "INSUFFICIENTPERMISSIONS", "INSUFFICIENTPERMISSION", "PERMISSIONDENIED", "INSUFFICIENTSCOPE", "INSUFFICIENTSCOPES", "MISSINGSCOPE", "MISSINGSCOPES":
		return Permission
	}
	if status != http.StatusForbidden && status >= http.StatusBadRequest {
		return Other
	}
	switch code {
	case "INVALIDTOKEN", "INVALIDAUTH", "INVALIDACCESSTOKEN", "INVALIDKEY", "KEYINVALID", "KEYEXPIRED", "TOKENEXPIRED", "TOKENREVOKED",
		"ACCOUNTINACTIVE", "UNAUTHENTICATED", "INVALIDCREDENTIALS", "BADCREDENTIALS", "INVALIDSESSIONID", "SIGNATUREDOESNOTMATCH",
		"EXPIREDTOKEN", "INVALIDAUTHENTICATIONTOKEN", "AUTHENTICATIONERROR", "AUTHENTICATIONFAILED", "AUTHFAILURE":
		return InvalidKey
	case "UNAUTHORIZED": // a 403 of this name is about a permission
		if status < http.StatusBadRequest {
			return InvalidKey
		}
	case "ACCESSDENIED", "FORBIDDEN", "NOPERMISSION", "NOTALLOWEDTOKENTYPE":
		return Permission
	}
	return Other
}

// compiled compiles an expression when it is first needed: most
// programs never see a refusal, and a command should start at once.
func compiled(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
