package httpserver

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v3"
	"golang.org/x/crypto/bcrypt"
)

// CheckWebConfig returns all errors in a web.yml, as "file:line: reason" if the line is known. An empty path and an empty file
// are valid.
func CheckWebConfig(path string) []error {
	if path == "" {
		return nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return []error{fmt.Errorf("read web configuration: %w", err)}
	}
	problems := webConfigProblems(path, content)
	slices.SortFunc(problems, func(a, b problem) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.reason, b.reason))
	})
	errs := make([]error, 0, len(problems))
	for _, p := range problems {
		if p.line == 0 {
			errs = append(errs, fmt.Errorf("%s: %s", path, p.reason))
			continue
		}
		errs = append(errs, fmt.Errorf("%s:%d: %s", path, p.line, p.reason))
	}
	return errs
}

type problem struct {
	line   int // 0 = unknown
	reason string
}

func webConfigProblems(path string, content []byte) []problem {
	var root yaml.Node
	if err := yaml.Unmarshal(content, &root); err != nil {
		return []problem{yamlProblem(err.Error())}
	}
	// As strict as the toolkit, but with the YAML version that reports the line of every kind of error.
	var c web.Config
	dec := yaml.NewDecoder(bytes.NewReader(content))
	dec.KnownFields(true)
	if err := dec.Decode(&c); err != nil && !errors.Is(err, io.EOF) { // EOF: only comments
		return decodeProblems(&root, err)
	}
	var problems []problem
	for user, hash := range c.Users {
		if _, err := bcrypt.Cost([]byte(hash)); err != nil {
			problems = append(problems, problem{
				lineOf(&root, func(v string) bool { return v == user }),
				fmt.Sprintf("basic_auth_users: %s: not a bcrypt hash (`htpasswd -nBC 10 %s` creates one): %v", user, user, err),
			})
		}
	}
	if len(problems) > 0 {
		return problems
	}
	// The toolkit itself validates certificates, client policy and headers.
	if err := web.Validate(path); err != nil {
		return decodeProblems(&root, err)
	}
	return nil
}

// decodeProblems splits an error of the YAML library into its parts, and finds the line of a toolkit error, which only contains
// the value.
func decodeProblems(root *yaml.Node, err error) []problem {
	var typeErr *yaml.TypeError
	if !errors.As(err, &typeErr) {
		msg := err.Error()
		return []problem{{lineOf(root, func(v string) bool { return strings.Contains(msg, v) }), msg}}
	}
	var problems []problem
	for _, e := range typeErr.Errors {
		problems = append(problems, yamlProblem(e))
	}
	return problems
}

// yamlProblem parses "yaml: line 3: reason".
func yamlProblem(msg string) problem {
	msg = strings.TrimPrefix(msg, "yaml: ")
	if rest, ok := strings.CutPrefix(msg, "line "); ok {
		if number, reason, ok := strings.Cut(rest, ": "); ok {
			if line, err := strconv.Atoi(number); err == nil {
				return problem{line, reason}
			}
		}
	}
	return problem{0, msg}
}

// lineOf returns the line of the longest matching key or value in the document, or 0 if there is none.
func lineOf(n *yaml.Node, match func(value string) bool) int {
	line, longest := 0, 0
	var visit func(*yaml.Node)
	visit = func(n *yaml.Node) {
		if n.Kind == yaml.ScalarNode && len(n.Value) > longest && match(n.Value) {
			line, longest = n.Line, len(n.Value)
		}
		for _, child := range n.Content {
			visit(child)
		}
	}
	visit(n)
	return line
}

// access is the access control configured in web.yml.
type access struct {
	file        string
	users       int
	clientCerts bool // verified client certificates are required
	tls         bool
}

// readAccess reads a file that CheckWebConfig has accepted.
func readAccess(path string) (access, error) {
	a := access{file: path}
	if path == "" {
		return a, nil
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return a, fmt.Errorf("read web configuration: %w", err)
	}
	var c web.Config
	if err := yaml.Unmarshal(content, &c); err != nil {
		return a, fmt.Errorf("read web configuration %s: %w", path, err)
	}
	a.users = len(c.Users)
	a.tls = c.TLSConfig.TLSCertPath != "" || c.TLSConfig.TLSCert != ""
	// The weaker policies accept a self-signed client certificate, or none.
	a.clientCerts = a.tls && c.TLSConfig.ClientAuth == "RequireAndVerifyClientCert"
	return a, nil
}

func (a access) credentials() bool { return a.users > 0 || a.clientCerts }

// AsksByFile reports whether web.yml currently requires credentials: users or client certificates.
func (s *Server) AsksByFile() bool {
	if s.access.clientCerts {
		return true
	}
	c, err := s.web.read()
	return err == nil && len(c.Users) > 0
}

func (a access) scheme() string {
	if a.tls {
		return "https"
	}
	return "http"
}

// Scheme returns https if the web.yml at path, which CheckWebConfig accepts, has a certificate, otherwise http.
func Scheme(path string) (string, error) {
	a, err := readAccess(path)
	return a.scheme(), err
}
