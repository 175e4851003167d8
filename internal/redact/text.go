package redact

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// shapes match texts that contain a secret in any context. The first group is kept, and the last one too if there are two.
var shapes = []*regexp.Regexp{
	regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://)[^/\s"'<>@?#]+(@)`),                                                               // user:password@
	regexp.MustCompile(`(/bot)\d+(?::|%3[aA])[^/\s"']+()`),                                                                            // Telegram
	regexp.MustCompile(`(hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/)[^\s"'?#]+()`),                                   // Slack
	regexp.MustCompile(`(discord(?:app)?\.com/api/(?:v\d+/)?webhooks/)[^\s"'?#]+()`),                                                  // Discord
	regexp.MustCompile(`(office(?:365)?\.com/webhook(?:b2)?/)[^\s"'?#]+()`),                                                           // Teams
	regexp.MustCompile(`(events\.(?:eu\.)?pagerduty\.com/(?:integration|x-ere)/)[^/\s"'?#]+()`),                                       // PagerDuty
	regexp.MustCompile(`(alert\.victorops\.com/integrations/\w+/\d+/alert/)[^\s"'?#]+()`),                                             // VictorOps
	regexp.MustCompile(`(/hooks/)[A-Za-z0-9_-]{12,}(?:/[A-Za-z0-9_-]+)?()`),                                                           // Rocket.Chat, Mattermost
	regexp.MustCompile(`((?i:[?&][\w.-]*(?:token|key|secret|passw(?:or)?d|signature|sig|auth|credential|code)[\w.-]*=))[^&\s"'#]+()`), // parameter
	regexp.MustCompile(`((?i:\b(?:bearer|basic|geniekey|token)\s+))[A-Za-z0-9+/=._~-]{8,}()`),                                         // Authorization
	regexp.MustCompile(`((?i:"[\w-]*(?:token|secret|password|routing_key|service_key|api_?key)"\s*:\s*"))(?:[^"\\]|\\.)+()`),          // JSON
}

// Text redacts secrets that are recognizable by their form: credentials in URLs, and the URLs of messengers.
func Text(s string) string {
	for _, shape := range shapes {
		s = shape.ReplaceAllString(s, "${1}"+Secret+"${2}")
	}
	return s
}

// Words are known secrets. The zero value has none. It is safe for concurrent use.
type Words struct{ replacer *strings.Replacer }

// shortest is the minimum length of a secret to be redacted: redacting shorter ones would leave nothing of a text.
const shortest = 3

// NewWords returns the secrets in all forms in which they occur in texts: unchanged, as a part of a URL, quoted, in JSON, and in
// base64. In a URL, every component except the host is secret, because any of them may contain a token.
func NewWords(secrets []string) Words {
	forms := map[string]bool{}
	for _, s := range secrets {
		for _, part := range parts(strings.TrimSpace(s)) {
			for _, form := range formsOf(part) {
				forms[form] = true
			}
		}
	}
	var sorted []string
	for form := range forms {
		if len(form) >= shortest && form != Secret {
			sorted = append(sorted, form)
		}
	}
	if len(sorted) == 0 {
		return Words{}
	}
	// Longest first, so that a string that contains a secret is redacted as a whole.
	slices.SortFunc(sorted, func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	pairs := make([]string, 0, 2*len(sorted))
	for _, form := range sorted {
		pairs = append(pairs, form, Secret)
	}
	return Words{strings.NewReplacer(pairs...)}
}

// parts returns a secret and, for a URL, the components that may appear on their own.
func parts(s string) []string {
	all := []string{s}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return all
	}
	all = nil // the host is not secret
	if u.User != nil {
		password, _ := u.User.Password()
		all = append(all, password, u.User.String(), u.User.Username()+":"+password)
	}
	path := u.EscapedPath()
	all = append(all, path, u.Path, strings.Trim(path, "/"), u.RawQuery, u.Fragment, u.RequestURI())
	for segment := range strings.SplitSeq(u.Path, "/") {
		if looksSecret(segment) {
			all = append(all, segment)
		}
	}
	for _, values := range u.Query() {
		all = append(all, values...)
	}
	return slices.DeleteFunc(all, func(part string) bool { return len(strings.Trim(part, "/")) < shortest })
}

// looksSecret distinguishes a token from a word in a path, such as services.
func looksSecret(segment string) bool {
	return len(segment) >= 16 || len(segment) >= 6 && strings.ContainsAny(segment, "0123456789")
}

func formsOf(s string) []string {
	quoted := strconv.Quote(s)
	inJSON, _ := json.Marshal(s) // never fails for a string
	forms := []string{
		s, url.QueryEscape(s), url.PathEscape(s), (&url.URL{Path: s}).EscapedPath(),
		quoted[1 : len(quoted)-1], string(inJSON[1 : len(inJSON)-1]),
	}
	const enough = 6 // the base64 form of shorter ones occurs in any text
	if len(s) < enough {
		return forms
	}
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		forms = append(forms, e.EncodeToString([]byte(s)))
		// Inside a longer text, such as a password after its user: the characters that do not depend on the context.
		for before := range 3 {
			encoded := e.EncodeToString(append(make([]byte, before), s...))
			whole := (before + len(s)) * 8 / 6
			forms = append(forms, encoded[(before*8+5)/6:whole])
		}
	}
	return forms
}

// Text redacts the secrets, and those that are recognizable by their form.
func (w Words) Text(s string) string {
	if w.replacer != nil {
		s = w.replacer.Replace(s)
	}
	return Text(s)
}

// Error returns an error whose text does not contain the secrets. It does not wrap err, which still contains them.
func (w Words) Error(err error) error {
	if err == nil {
		return nil
	}
	if text := w.Text(err.Error()); text != err.Error() {
		return textError(text)
	}
	return err
}

type textError string

func (e textError) Error() string { return string(e) }
