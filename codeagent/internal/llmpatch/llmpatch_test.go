package llmpatch

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

const text = "one\ntwo\nthree\nfour\n"

func TestApply(t *testing.T) {
	for _, c := range []struct{ name, diff, want string }{
		{"change", "--- a/f\n+++ b/f\n@@ -2,1 +2,1 @@\n-two\n+TWO\n", "one\nTWO\nthree\nfour\n"},
		{"no heads", "@@ -1,2 +1,2 @@\n one\n-two\n+TWO\n", "one\nTWO\nthree\nfour\n"},
		{"moved", "@@ -40 +40 @@\n-three\n", "one\ntwo\nfour\n"},
		{"two hunks", "@@ -1 +1 @@\n-one\n+1\n@@ -4 +4 @@\n-four\n+4\n", "1\ntwo\nthree\n4\n"},
		{"insertion", "@@ -1,0 +2 @@\n+new\n", "one\nnew\ntwo\nthree\nfour\n"},
		{"wrong line", "@@ -2 +2 @@\n-zwei\n+TWO\n", ""},
		{"hunks in the wrong order", "@@ -4 +4 @@\n-four\n+4\n@@ -1 +1 @@\n-one\n+1\n", ""},
		{"two files", "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-one\n+1\n--- a/g\n+++ b/g\n@@ -1 +1 @@\n-x\n+y\n", ""},
		{"no diff", "I cannot do that.\n", ""},
		{"bad head", "@@ nonsense @@\n+x\n", ""},
	} {
		got, err := apply(text, c.diff)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
	}
	if got := fenced("Here:\n```diff\n@@ -1 +1 @@\n-one\n+1\n```\nDone."); got != "@@ -1 +1 @@\n-one\n+1\n" {
		t.Errorf("%q", got)
	}
}

func TestReadStream(t *testing.T) {
	event := func(s string) string { return "data: " + s + "\n\n" }
	token := event(`{"choices":[{"delta":{"content":"abc"}}]}`)
	done := event("[DONE]")
	for _, c := range []struct{ name, stream, kind string }{
		{"good", ": hello\n\n" + token + token + event(`{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}`) + done, ""},
		{"refusal", event(`{"choices":[{"delta":{"refusal":"no"}}]}`) + done, "refusal"},
		{"filter", token + event(`{"choices":[{"delta":{},"finish_reason":"content_filter"}]}`) + done, "refusal"},
		{"cut off", token + event(`{"choices":[{"delta":{},"finish_reason":"length"}]}`) + done, "length"},
		{"error", event(`{"error":{"message":"overloaded"}}`), "server"},
		{"no JSON", event("{"), "protocol"},
		{"ends", token, "protocol"},
	} {
		got, u, err := readStream(strings.NewReader(c.stream), func(string) error { return nil })
		f := failure{}
		errors.As(err, &f)
		if f.kind != c.kind || c.kind == "" && (got != "abcabc" || u.In != 3 || u.Out != 2) {
			t.Errorf("%s: %q %v %v", c.name, got, u, err)
		}
	}
	_, _, err := readStream(strings.NewReader(token), func(string) error { return io.ErrClosedPipe })
	if !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
}

func FuzzApply(f *testing.F) {
	f.Add(text, "@@ -2 +2 @@\n-two\n+TWO\n")
	f.Add("", "@@ -0,0 +1 @@\n+x\n")
	f.Fuzz(func(t *testing.T, text, diff string) {
		if got, err := apply(text, diff); err != nil && got != "" {
			t.Error(got)
		}
	})
}

func FuzzReadStream(f *testing.F) {
	f.Add("data: [DONE]\n\n")
	f.Add(fmt.Sprintf("data: %s\n\n", `{"choices":[{"delta":{"content":"a"}}]}`))
	f.Fuzz(func(t *testing.T, stream string) {
		if answer, _, err := readStream(strings.NewReader(stream), func(string) error { return nil }); err != nil && answer != "" {
			t.Error(answer)
		}
	})
}
