package prober

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// One entry per field of probes.yml, with the module that it becomes.
func TestProbesBecomeModules(t *testing.T) {
	for text, want := range map[string]string{
		`{name: a, url: "https://example.org/x?y=1"}`:                                                 "http https://example.org/x?y=1",
		`{name: a, url: "tcp://example.org:5432"}`:                                                    "tcp example.org:5432",
		`{name: a, url: "tls://example.org"}`:                                                         "tcp example.org:443",
		`{name: a, url: "tls://[2001:db8::1]"}`:                                                       "tcp [2001:db8::1]:443",
		`{name: a, url: "grpc://example.org:50051/my.Service"}`:                                       "grpc example.org:50051",
		`{name: a, url: "grpcs://example.org"}`:                                                       "grpc example.org:443",
		`{name: a, url: "dns://192.0.2.1/example.org?type=mx"}`:                                       "dns 192.0.2.1:53",
		`{name: a, url: "icmp://example.org"}`:                                                        "icmp example.org",
		`{name: a, url: "http://h", expect: {status: [2xx, 404]}}`:                                    "http http://h",
		`{name: a, url: "http://h", expect: {json: {"a[0].b-c": 1.5, '$.x["y z"]': null, up: true}}}`: "http http://h",
	} {
		probes, problems := ParseProbes("probes.yml", []byte("probes:\n  - "+text+"\n"))
		require.Empty(t, problems, text)
		m, err := probes[0].compiled()
		require.NoError(t, err, text)
		target, err := probes[0].target()
		require.NoError(t, err)
		require.Equal(t, want, m.Prober+" "+target.address, text)
	}
	p := Probe{Name: "a", URL: "http://h", Expect: Expect{
		Status: oneOrMore{"2xx", "404"}, JSON: map[string]any{"a[0].b-c": 1.5, `$.x["y z"]`: nil, "n": 3},
	}}
	m, err := p.compiled()
	require.NoError(t, err)
	require.Len(t, m.HTTP.ValidStatusCodes, 101)
	require.True(t, m.HTTP.HTTPClientConfig.FollowRedirects)
	require.Equal(t, `body["x"]["y z"] == null && body["a"][0]["b-c"] == 1.5 && body["n"] == 3.0`, m.HTTP.FailIfBodyJsonNotMatchesCEL.Expression)
	p.Expect = Expect{Text: "yes", NotText: "no"}
	m, err = p.compiled()
	require.NoError(t, err)
	require.True(t, m.HTTP.FailIfBodyNotMatchesRegexp[0].MatchString("yes"))
	require.True(t, m.HTTP.FailIfBodyMatchesRegexp[0].MatchString("no"))
	p.Expect = Expect{Status: oneOrMore{"301"}}
	m, err = p.compiled()
	require.NoError(t, err)
	require.False(t, m.HTTP.HTTPClientConfig.FollowRedirects, "the redirect is what is expected")
}

// Every problem is reported with its line.
func TestProblemsInProbes(t *testing.T) {
	for text, want := range map[string]string{
		`{url: "http://h"}`:                                             "name is missing",
		`{name: a}`:                                                     `probe "a": url: it is missing`,
		`{name: a, url: "example.org"}`:                                 `url: "example.org" does not begin with one of http://`,
		`{name: a, url: "http://"}`:                                     "names no host",
		`{name: a, url: "http://u:secret@h/"}`:                          "contains a password",
		`{name: a, url: "tcp://h"}`:                                     "names no port",
		`{name: a, url: "tcp://h:0"}`:                                   "is not between 1 and 65535",
		`{name: a, url: "dns://h"}`:                                     "names no record",
		`{name: a, url: "http://h", interval: 1ms}`:                     "shorter than 1s",
		`{name: a, url: "http://h", interval: 5s, timeout: 6s}`:         "longer than the interval",
		`{name: a, url: "http://h", depends_on: a}`:                     "depends on itself",
		`{name: a, url: "http://h", depends_on: b}`:                     `there is no probe "b"`,
		`{name: a, url: "http://h", labels: {job: x}}`:                  `"job" is set by Ausguck`,
		`{name: a, url: "http://h", labels: {__x: x}}`:                  "is not a label name",
		`{name: a, url: "http://h", expect: {text: "("}}`:               "expect: text: error parsing regexp",
		`{name: a, url: "http://h", expect: {status: 2xy}}`:             `"2xy" is neither`,
		`{name: a, url: "http://h", expect: {json: {"a b": 1}}}`:        "is not a path",
		`{name: a, url: "http://h", expect: {json: {a: [1]}}}`:          "the value is not a string",
		`{name: a, url: "tcp://h:1", expect: {status: 200}}`:            "are for http:// and https:// only",
		`{name: a, url: "http://h", expect: {json: {a: 1}, text: x}}`:   "cannot be combined",
		`{name: a, url: "icmp://h", expect: {text: x}}`:                 "text is for",
		`{name: a, url: "http://h", expect: {answer: x}}`:               "answer is for dns:// only",
		`{name: a, url: "h:25", module: smtp, expect: {text: x}}`:       `the module "smtp" decides`,
		`{name: a, url: "http://h", colour: red}`:                       "colour",
		`{name: a, url: "http://h", expect: {certificate_days: -1}}`:    "it is negative",
		"{name: a, url: 'http://h'}\n  - {name: a, url: 'http://i'}":    "is used twice",
		"{name: \"" + strings.Repeat("n", 201) + "\", url: 'http://h'}": "longer than 200 bytes",
	} {
		_, problems := ParseProbes("probes.yml", []byte("# a comment\nprobes:\n  - "+text+"\n"))
		require.Len(t, problems, 1, "%s: %v", text, problems)
		require.ErrorContains(t, problems[0], want, text)
		require.Regexp(t, `^probes\.yml:[2-4]: `, problems[0].Error(), text)
	}
	_, problems := ParseProbes("probes.yml", []byte("probes:\n  - {name: a, url: 'http://'}\n  - {name: b, url: 'http://h', depends_on: [c]}\n  - {name: c}\n"))
	require.Len(t, problems, 2, "all of them, and none for a dependency on an entry with a problem: %v", problems)
	require.ErrorContains(t, problems[1], "probes.yml:4: ")
}

func TestEmptyProbes(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "probes:\n", "probes: []\n"} {
		probes, problems := ParseProbes("probes.yml", []byte(text))
		require.Empty(t, problems, text)
		require.Empty(t, probes)
	}
}
