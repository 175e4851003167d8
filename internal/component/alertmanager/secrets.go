package alertmanager

import (
	"errors"
	"io"
	"log/slog"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/notify"

	"github.com/ausguck/ausguck/internal/redact"
	"github.com/ausguck/ausguck/internal/upstreamlog"
)

// maxSecretFile bounds how much of a file with a secret is read.
const maxSecretFile = 64 << 10

// secrets are the secrets of a configuration: in the file, and in files that it names.
type secrets struct {
	words []string
	files []string
}

// findSecrets walks the whole configuration, so that integrations added by upstream are covered: it finds each string
// and URL of a type whose name says that it is secret, each header, each password in a URL, and the name of each file.
func findSecrets(cfg *config.Config) *secrets {
	s := &secrets{}
	s.find(reflect.ValueOf(cfg), "", false)
	slices.Sort(s.files)
	s.files = slices.Compact(s.files)
	return s
}

func (s *secrets) find(v reflect.Value, key string, secret bool) {
	secret = secret || strings.Contains(v.Type().Name(), "Secret")
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			s.find(v.Elem(), key, secret)
		}
	case reflect.Struct:
		if u, ok := v.Interface().(url.URL); ok {
			s.address(&u, secret)
			return
		}
		for i := range v.NumField() {
			f := v.Type().Field(i)
			if !f.IsExported() {
				continue
			}
			name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			// Values of headers are often tokens.
			s.find(v.Field(i), name, secret || name == "http_headers")
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			s.find(v.Index(i), key, secret)
		}
	case reflect.Map:
		for _, k := range v.MapKeys() {
			s.find(v.MapIndex(k), key, secret)
		}
	case reflect.String:
		switch text := v.String(); {
		case text == "":
		case strings.HasSuffix(key, "_file") || key == "files":
			s.files = append(s.files, text)
		case secret:
			s.add(text)
		}
	}
}

// inTemplate matches what a template fills in.
var inTemplate = regexp.MustCompile(`\{\{.*?\}\}`)

// add adds a text; for a template, only what is around its actions.
func (s *secrets) add(text string) {
	if !strings.Contains(text, "{{") {
		s.words = append(s.words, text)
		return
	}
	const enough = 6
	for _, piece := range inTemplate.Split(text, -1) {
		if len(piece) >= enough {
			s.words = append(s.words, piece)
		}
	}
}

func (s *secrets) address(u *url.URL, secret bool) {
	switch {
	case secret:
		s.words = append(s.words, u.String())
	case u.User != nil:
		password, _ := u.User.Password()
		s.words = append(s.words, password, u.User.String())
	}
}

// known returns the current secrets: files are read again, as receivers do for each message.
func (s *secrets) known() redact.Words {
	words := slices.Clone(s.words)
	for _, name := range s.files {
		if content, err := readSome(name); err == nil {
			words = append(words, content)
		}
	}
	return redact.NewWords(words)
}

func readSome(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxSecretFile))
	return strings.TrimSpace(string(content)), err
}

// hide removes the secrets from an error, and keeps the reason that upstream counts. The result does not retain them.
func (s *secrets) hide(err error) error {
	if err == nil {
		return nil
	}
	hidden := s.known().Error(err)
	if hidden == err { //nolint:errorlint // whether it is the same
		return err
	}
	var reason *notify.ErrorWithReason
	if errors.As(err, &reason) {
		return notify.NewErrorWithReason(reason.Reason, hidden)
	}
	return hidden
}

// logger returns a logger that removes the secrets from its records.
func (s *secrets) logger(l *slog.Logger) *slog.Logger {
	return upstreamlog.New(l, upstreamlog.Rules{
		Record: func(r slog.Record) slog.Record { r.Message = s.known().Text(r.Message); return r },
		Attr:   func(a slog.Attr) slog.Attr { return discreetAttr(s.known(), a) },
	})
}

func discreetAttr(words redact.Words, a slog.Attr) slog.Attr {
	switch v := a.Value.Resolve(); v.Kind() {
	case slog.KindString, slog.KindAny:
		return slog.String(a.Key, words.Text(v.String()))
	case slog.KindGroup:
		var clean []any
		for _, member := range v.Group() {
			clean = append(clean, discreetAttr(words, member))
		}
		return slog.Group(a.Key, clean...)
	default:
		return a
	}
}
