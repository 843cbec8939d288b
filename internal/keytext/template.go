package keytext

import (
	"regexp"
	"strings"
	"sync"
)

// This file recognises what programs and templates put in place of a value.

// isTemplate reports whether a text is a placeholder of a template language, a shell, a
// deployment tool or a programming language.
func isTemplate(text string) bool {
	if action().MatchString(text) || lookup().MatchString(text) || verb().MatchString(text) {
		return true
	}
	for _, w := range wrappers() {
		inner, found := strings.CutPrefix(text, w.open)
		if !found {
			continue
		}
		if inner, found = strings.CutSuffix(inner, w.end); !found || inner == "" {
			continue
		}
		if w.fits(inner) {
			return true
		}
	}
	return false
}

// wrapper is what stands around a name in a template.
type wrapper struct {
	open, end string
	inside    inside
}

// inside is what must stand between the two ends, so that no key is taken for a template.
type inside int

const (
	anything   inside = iota // no key begins and ends so
	prose                    // words, names and numbers
	name                     // a name of a variable, or words of an example
	credential               // a name that says that it is a credential's, or such words
)

func (w wrapper) fits(inner string) bool {
	switch w.inside {
	case anything:
		return true
	case prose:
		return isProse(inner)
	case name:
		return isVariableName(inner) || isPhrase(inner)
	case credential:
		return isIdentifier(inner) && namesCredential(inner) || isPhrase(inner)
	}
	return false
}

func wrappers() []wrapper {
	return []wrapper{
		{"$(", ")", credential},       // shells, make, Azure pipelines
		{"#{", "}", anything},         // Octopus, Ruby
		{"@{", "}", anything},         // Logic Apps
		{"<%", "%>", anything},        // ERB, EJS
		{"{%", "%}", anything},        // Jinja
		{"<<", ">>", anything},        // here-documents, CircleCI
		{"((", "))", name},            // Concourse
		{"[[", "]]", name},            // Helm with other delimiters
		{"%(", ")s", name},            // Python
		{"%", "%", name},              // cmd.exe
		{"@", "@", credential},        // Maven, autoconf
		{"__", "__", credential},      // tokens of release pipelines
		{"${{", "}}", anything},       // GitHub
		{"{", "}", name},              // Python, .NET, OpenAPI
		{"[", "]", name},              // documents
		{"<", ">", prose},             // documents
		{"$", "", credential},         // shells, PHP, PowerShell
		{"$env:", "", credential},     // PowerShell
		{":", "", credential},         // routes, bind parameters
		{"!Ref ", "", anything},       // CloudFormation
		{"!Sub ", "", anything},       //
		{"!vault ", "", anything},     // Ansible
		{"!reference ", "", anything}, // GitLab
	}
}

// action is {{ … }} of Go, Helm, Jinja, Mustache, anywhere in the text: no part of such a text
// is the key.
var action = compiled(`\{\{-?[\w\s.,$"'|()#/:-]*-?\}\}`) //nolint:gochecknoglobals // a constant that is compiled when it is first needed

// lookup is the expression that reads a variable in a program or a pipeline.
var lookup = compiled(`^(process\.env\b|import\.meta\.env\b|os\.(environ|getenv|Getenv|LookupEnv)\b|System\.getenv\b|Environment\.GetEnvironmentVariable\b|Deno\.env\b|std::env\b|(?i:get)?(?i:env)\s*[\[("']|ENV\.\w|(secrets|vars|env|inputs|parameters)\.[A-Z][A-Z0-9_]*$)`) //nolint:gochecknoglobals // a constant that is compiled when it is first needed

// verb is a placeholder of a format: %s, %v, {}, {0}.
var verb = compiled(`^(%[-+#0-9.]*[a-zA-Z]|\{\d{0,2}\})$`) //nolint:gochecknoglobals // a constant that is compiled when it is first needed

// isVariableName reports whether a text is the name of a variable: one that names a
// credential, or a short one of letters in one case.
func isVariableName(text string) bool {
	text = strings.TrimSpace(text)
	if !isIdentifier(text) {
		return false
	}
	if namesCredential(text) {
		return true
	}
	plain := strings.Trim(text, "_-.")
	return len(plain) <= 20 && !strings.ContainsFunc(plain, isDigit) && (isCapitals(plain) || plain == strings.ToLower(plain))
}

// isProse reports whether a text has only letters, digits and what stands between words.
func isProse(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return !isLetter(r) && !isDigit(r) && !strings.ContainsRune(" _-./:", r) })
}

// isIdentifier reports whether a text is a name of a variable, a header or a parameter.
func isIdentifier(text string) bool {
	for i, r := range text {
		if !isLetter(r) && r != '_' && (i == 0 || !isDigit(r) && r != '-' && r != '.') {
			return false
		}
	}
	return text != ""
}

func isCapitals(text string) bool {
	return text == strings.ToUpper(text) && strings.ContainsFunc(text, isLetter)
}

// namesCredential reports whether one of the words of a name says that it is a credential's.
func namesCredential(name string) bool {
	for _, word := range words(name) {
		switch word {
		case "key", "keys", "apikey", "accesskey", "secretkey", "clientkey", "token", "accesstoken", "authtoken", "secret", "clientsecret",
			"password", "passwd", "pwd", "credential", "credentials", "authorization", "bearer", "cookie":
			return true
		}
	}
	return false
}

// compiled compiles an expression when it is first needed: most
// programs never do, and a command should start at once.
func compiled(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}
