package heartbeats

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Definition is a heartbeat as it is written: the fields of heartbeats.yml without its token.
type Definition struct {
	Name        string            `json:"name" yaml:"name,omitempty"`
	Every       string            `json:"every,omitempty" yaml:"every,omitempty"`
	Cron        string            `json:"cron,omitempty" yaml:"cron,omitempty"`
	Timezone    string            `json:"timezone,omitempty" yaml:"timezone,omitempty"`
	Grace       string            `json:"grace,omitempty" yaml:"grace,omitempty"`
	MaxDuration string            `json:"max_duration,omitempty" yaml:"max_duration,omitempty"`
	Group       string            `json:"group,omitempty" yaml:"group,omitempty"`
	Labels      map[string]string `json:"labels,omitempty" yaml:"labels,omitempty"`
}

// heartbeat checks the definition as heartbeats.yml is checked. The error has all problems, each as "field: reason".
func (d *Definition) heartbeat() (*Heartbeat, error) {
	var n yaml.Node
	if err := n.Encode(d); err != nil {
		return nil, err
	}
	r := &reader{}
	h, _, _ := r.entry(&n, "", scheduleChoice)
	if len(r.problems) > 0 {
		texts := make([]string, len(r.problems))
		for i, problem := range r.problems {
			texts[i] = problem.Error()
		}
		return nil, errors.New(strings.Join(texts, "; "))
	}
	h.added = d
	return h, nil
}

// parseDefinition parses the JSON of a Definition. It does not check the values.
func parseDefinition(text []byte) (d Definition, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		return d, fmt.Errorf("not a JSON object with the fields of heartbeats.yml: %w", err)
	}
	return d, nil
}

// added is a heartbeat that was added on the page, as it is stored.
type added struct {
	name string
	// definition is the JSON of a Definition; another version may have stored one that this one does not understand.
	definition string
	token      tokenHash
}

// readAdded returns the heartbeats of the page, sorted by name.
func readAdded(ctx context.Context, db *sql.DB) (page []added, err error) {
	rows, err := db.QueryContext(ctx, "SELECT name, definition, token FROM heartbeats_added ORDER BY name")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var a added
		var token []byte
		if err := rows.Scan(&a.name, &a.definition, &token); err != nil {
			return nil, err
		}
		copy(a.token[:], token)
		page = append(page, a)
	}
	return page, rows.Err()
}

// replaceAdded stores the heartbeats of the page instead of the previous ones.
func replaceAdded(ctx context.Context, tx *sql.Tx, page []added) error {
	if _, err := tx.ExecContext(ctx, "DELETE FROM heartbeats_added"); err != nil {
		return err
	}
	for _, a := range page {
		if _, err := tx.ExecContext(ctx, "INSERT INTO heartbeats_added (name, definition, token) VALUES (?, ?, ?)",
			a.name, a.definition, a.token[:]); err != nil {
			return err
		}
	}
	return nil
}

// with returns the heartbeats of the file and of the page. What the file has already is not taken from the page: the file decides.
func (c *Config) with(page []added) (*Config, []unusedView) {
	all := &Config{
		Heartbeats: slices.Clone(c.Heartbeats), source: c.source, files: c.files,
		byToken: maps.Clone(c.byToken), byName: maps.Clone(c.byName),
	}
	var rest []unusedView
	for _, a := range page {
		d, err := parseDefinition([]byte(a.definition))
		var h *Heartbeat
		if err == nil {
			h, err = d.heartbeat()
		}
		if err == nil {
			err = all.refuse(a)
		}
		if err != nil {
			d.Name = a.name
			rest = append(rest, unusedView{d, err.Error()})
			continue
		}
		all.add(h, a.token)
	}
	all.sort()
	return all, rest
}

// refuse returns why a heartbeat of the page cannot be added; nil if it can.
func (c *Config) refuse(a added) error {
	switch other := c.byToken[a.token]; {
	case c.byName[a.name] != nil:
		return fmt.Errorf("%s has a heartbeat with the name %q", c.source, a.name)
	case other != nil:
		return fmt.Errorf("%s has a heartbeat with its token: %q", c.source, other.Name)
	case len(c.Heartbeats) >= maxHeartbeats:
		return fmt.Errorf("there are already %d heartbeats", maxHeartbeats)
	}
	return nil
}

// errNotFound is returned for a name that no added heartbeat has.
var errNotFound = errors.New("no heartbeat with this name was added on the page")

// errNotRunning is returned while the part starts or stops.
var errNotRunning = errors.New("heartbeats are not taken yet; try again")

// invalid is the error for a definition that is not accepted.
type invalid struct{ error }

// conflict is the error if there is a heartbeat with the same name, or if there are too many.
type conflict struct{ error }

// create adds a heartbeat with a new token.
func (s *Server) create(ctx context.Context, d Definition) (token string, err error) {
	token = newToken()
	return token, s.edit(ctx, func(page []added) ([]added, error) {
		a, err := s.checked(page, d, hashOf(token))
		return append(page, a), err
	})
}

// change replaces the definition of a heartbeat.
func (s *Server) change(ctx context.Context, name string, d Definition) error {
	return s.edit(ctx, func(page []added) ([]added, error) {
		i := named(page, name)
		if i < 0 {
			return nil, errNotFound
		}
		token := page[i].token
		page = slices.Delete(page, i, i+1)
		a, err := s.checked(page, d, token)
		return append(page, a), err
	})
}

// renew gives a heartbeat a new token. The old one is no longer valid.
func (s *Server) renew(ctx context.Context, name string) (token string, err error) {
	token = newToken()
	return token, s.edit(ctx, func(page []added) ([]added, error) {
		i := named(page, name)
		if i < 0 {
			return nil, errNotFound
		}
		page[i].token = hashOf(token)
		return page, nil
	})
}

func (s *Server) remove(ctx context.Context, name string) error {
	return s.edit(ctx, func(page []added) ([]added, error) {
		i := named(page, name)
		if i < 0 {
			return nil, errNotFound
		}
		return slices.Delete(page, i, i+1), nil
	})
}

// edit stores and applies the heartbeats that change returns; it may modify those that it gets.
func (s *Server) edit(ctx context.Context, change func(page []added) ([]added, error)) error {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	if s.store == nil {
		return errNotRunning
	}
	page, err := change(slices.Clone(s.page))
	if err != nil {
		return err
	}
	return s.apply(context.WithoutCancel(ctx), s.store, s.file, page, true) // if the client is gone, the result must be known still
}

// checked returns what is stored of a heartbeat that is added to the file and the page.
func (s *Server) checked(page []added, d Definition, token tokenHash) (added, error) {
	if _, err := d.heartbeat(); err != nil {
		return added{}, invalid{err}
	}
	text, err := json.Marshal(d)
	if err != nil {
		return added{}, err
	}
	a := added{name: d.Name, definition: string(text), token: token}
	if err := s.file.refuse(a); err != nil {
		return a, conflict{err}
	}
	switch {
	case named(page, d.Name) >= 0:
		return a, conflict{fmt.Errorf("a heartbeat with the name %q exists", d.Name)}
	case len(s.file.Heartbeats)+len(page) >= maxHeartbeats:
		return a, conflict{fmt.Errorf("there are already %d heartbeats", maxHeartbeats)}
	}
	return a, nil
}

func named(page []added, name string) int {
	return slices.IndexFunc(page, func(a added) bool { return a.name == name })
}
