package serve

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// Env reads the configuration and collects the errors in it. The variable NAME_FILE names a file with the value of NAME, for
// secrets.
type Env struct {
	Lookup   func(string) (string, bool) // os.LookupEnv
	problems []error
}

func (e *Env) bad(name, format string, args ...any) {
	e.problems = append(e.problems, fmt.Errorf("%s: "+format, append([]any{name}, args...)...))
}

// Err returns all problems.
func (e *Env) Err() error { return errors.Join(e.problems...) }

// Text returns the value of a variable, or otherwise if it is not set.
func (e *Env) Text(name, otherwise string) string {
	if path, ok := e.Lookup(name + "_FILE"); ok && path != "" {
		b, err := os.ReadFile(path)
		if err != nil {
			e.bad(name+"_FILE", "%v", err)
		}
		return strings.TrimRight(string(b), "\r\n")
	}
	if v, ok := e.Lookup(name); ok && v != "" {
		return v
	}
	return otherwise
}

// URL returns a URL without a trailing slash.
func (e *Env) URL(name, otherwise string) string {
	v := strings.TrimRight(e.Text(name, otherwise), "/")
	if u, err := url.Parse(v); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		e.bad(name, "want an address like http://host:port, have %q", v)
	}
	return v
}

// Duration returns a positive duration such as 30s.
func (e *Env) Duration(name string, otherwise time.Duration) time.Duration {
	d, err := time.ParseDuration(e.Text(name, otherwise.String()))
	if err != nil || d <= 0 {
		e.bad(name, "want a time like 30s, have %q", e.Text(name, ""))
	}
	return d
}

// Number returns a whole number of at least 1.
func (e *Env) Number(name string, otherwise int) int {
	n, err := strconv.Atoi(e.Text(name, strconv.Itoa(otherwise)))
	if err != nil || n < 1 {
		e.bad(name, "want a number of at least 1, have %q", e.Text(name, ""))
	}
	return n
}

// Float returns a number of at least 0.
func (e *Env) Float(name string, otherwise float64) float64 {
	n, err := strconv.ParseFloat(e.Text(name, strconv.FormatFloat(otherwise, 'g', -1, 64)), 64)
	if err != nil || !(n >= 0) {
		e.bad(name, "want a number of at least 0, have %q", e.Text(name, ""))
	}
	return n
}
