package dashboards

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/ausguck/ausguck/internal/database"
	"github.com/ausguck/ausguck/internal/grafana"
	"github.com/ausguck/ausguck/internal/setaside"
)

// applySources makes the provisioned datasources and those made by API the ones that are asked. A provisioned
// one stands before one of the API with the same uid or name.
func (s *Server) applySources(ctx context.Context, cfg *Config) error {
	for _, name := range cfg.deleted {
		if _, err := s.o.DB.ExecContext(ctx, "DELETE FROM datasources WHERE name = ?", name); err != nil {
			return fmt.Errorf("delete datasource %q as provisioned: %w", name, err)
		}
	}
	stored, err := s.storedSources(ctx)
	if err != nil {
		return err
	}
	all := slices.Clone(cfg.datasources)
	for _, d := range stored {
		same := func(p Datasource) bool { return p.UID == d.UID || p.Name == d.Name }
		if slices.ContainsFunc(cfg.datasources, same) {
			s.log.Warn("A provisioned datasource hides one that was made by API", "uid", d.UID, "name", d.Name)
			continue
		}
		if d.IsDefault && hasOwnDefault(cfg.datasources) {
			d.IsDefault = false
		}
		all = append(all, d)
	}
	s.useSources(all)
	return nil
}

// hasOwnDefault reports whether a file says what the default is.
func hasOwnDefault(sources []Datasource) bool {
	return slices.ContainsFunc(sources, func(d Datasource) bool { return d.toldDefault })
}

// useSources publishes the datasources, exactly one of them the default.
func (s *Server) useSources(all []Datasource) {
	i := slices.IndexFunc(all, func(d Datasource) bool { return d.toldDefault })
	if i < 0 {
		i = slices.IndexFunc(all, func(d Datasource) bool { return d.IsDefault && !d.provisioned })
	}
	if i >= 0 {
		for j := range all {
			all[j].IsDefault = i == j
		}
	}
	slices.SortStableFunc(all, func(a, b Datasource) int { return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
	s.sources.Store(&all)
	s.clients.forget()
}

// storedSource is a row of the table of datasources.
type storedSource struct {
	Type            string         `json:"type"`
	Access          string         `json:"access"`
	URL             string         `json:"url"`
	User            string         `json:"user,omitempty"`
	Database        string         `json:"database,omitempty"`
	BasicAuth       bool           `json:"basicAuth,omitempty"`
	BasicAuthUser   string         `json:"basicAuthUser,omitempty"`
	WithCredentials bool           `json:"withCredentials,omitempty"`
	IsDefault       bool           `json:"isDefault,omitempty"`
	JSONData        map[string]any `json:"jsonData"`
	Version         int64          `json:"version"`
}

func (s *Server) storedSources(ctx context.Context) ([]Datasource, error) {
	if err := s.sealOld(ctx); err != nil {
		return nil, fmt.Errorf("encrypt secrets of datasources: %w", err)
	}
	rows, err := s.o.DB.QueryContext(ctx, "SELECT uid, name, body, secure FROM datasources ORDER BY name")
	if err != nil {
		return nil, fmt.Errorf("read datasources: %w", err)
	}
	defer rows.Close()
	var all []Datasource
	var unread []string // names of those whose secrets do not open
	sealed := 0
	for rows.Next() {
		var uid, name, body, secure string
		if err := rows.Scan(&uid, &name, &body, &secure); err != nil {
			return nil, fmt.Errorf("read datasources: %w", err)
		}
		var b storedSource
		d := Datasource{UID: uid, Name: name, OrgID: 1, ID: grafana.StableID("datasource", uid)}
		if err := json.Unmarshal([]byte(body), &b); err != nil {
			s.o.SetAside.Say(setaside.Loss{
				Part: "dashboards", Path: database.Path(ctx, s.o.DB), Cause: err, Lost: fmt.Sprintf("the data source %q", name),
				Remedy: "make it again on the page Data sources, or stop Ausguck and put the file of a backup in its place",
			})
			continue
		}
		if strings.HasPrefix(secure, sealedPrefix) {
			sealed++
		}
		if d.SecureJSONData, err = s.secrets.open(uid, secure); err != nil {
			// Its dashboards still say what fails; the other datasources have nothing to do with it.
			unread = append(unread, name)
			s.log.Error("Secrets of a datasource cannot be read; set them again", "uid", uid, "name", name, "key", s.o.KeyFile, "err", err)
		}
		d.Type, d.Access, d.URL, d.User, d.Database = b.Type, b.Access, b.URL, b.User, b.Database
		d.BasicAuth, d.BasicAuthUser, d.WithCredentials, d.IsDefault = b.BasicAuth, b.BasicAuthUser, b.WithCredentials, b.IsDefault
		d.JSONData, d.Version = b.JSONData, b.Version
		all = append(all, d)
	}
	if len(unread) > 0 && len(unread) == sealed && !s.secrets.replaced {
		s.keyLost.Do(func() {
			s.o.SetAside.Say(lostKey(s.o.KeyFile, fmt.Errorf("the secrets of %s were encrypted with another key", strings.Join(unread, ", "))))
		})
	}
	return all, rows.Err()
}

// storeSource writes one row. A new default takes the place of the one before.
func (s *Server) storeSource(ctx context.Context, d Datasource) error {
	body, err := json.Marshal(storedSource{
		Type: d.Type, Access: d.Access, URL: d.URL, User: d.User, Database: d.Database, BasicAuth: d.BasicAuth, BasicAuthUser: d.BasicAuthUser,
		WithCredentials: d.WithCredentials, IsDefault: d.IsDefault, JSONData: d.JSONData, Version: d.Version,
	})
	if err != nil {
		return fmt.Errorf("save datasource %s: %w", d.Name, err)
	}
	secure, err := s.secrets.seal(d.UID, d.SecureJSONData)
	if err != nil {
		return fmt.Errorf("save datasource %s: %w", d.Name, err)
	}
	tx, err := s.o.DB.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("save datasource %s: %w", d.Name, err)
	}
	defer func() { _ = tx.Rollback() }()
	if d.IsDefault {
		if _, err := tx.ExecContext(ctx, "UPDATE datasources SET body = json_remove(body, '$.isDefault') WHERE uid <> ?", d.UID); err != nil {
			return fmt.Errorf("save datasource %s: %w", d.Name, err)
		}
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO datasources (uid, name, body, secure) VALUES (?, ?, ?, ?)
		ON CONFLICT (uid) DO UPDATE SET name = excluded.name, body = excluded.body, secure = excluded.secure`, d.UID, d.Name, string(body), secure)
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		return fmt.Errorf("save datasource %s: %w", d.Name, err)
	}
	return nil
}

func (s *Server) allSources() []Datasource { return *s.sources.Load() }

// hasOwnSources reports whether there are datasources that the check of the files does not know.
func (s *Server) hasOwnSources() bool {
	return s.source(func(d *Datasource) bool { return !d.provisioned }) != nil
}

// source finds a datasource, nil when there is none.
func (s *Server) source(match func(*Datasource) bool) *Datasource {
	all := s.allSources()
	for i := range all {
		if match(&all[i]) {
			return &all[i]
		}
	}
	return nil
}

func (s *Server) sourceByUID(uid string) *Datasource {
	return s.source(func(d *Datasource) bool { return d.UID == uid })
}

func (s *Server) sourceByID(id int64) *Datasource {
	return s.source(func(d *Datasource) bool { return d.ID == id })
}

func (s *Server) sourceByName(name string) *Datasource {
	return s.source(func(d *Datasource) bool { return d.Name == name })
}

// defaultSource is the default of all.
func (s *Server) defaultSource() *Datasource {
	if d := s.source(func(d *Datasource) bool { return d.IsDefault }); d != nil {
		return d
	}
	return s.source(func(*Datasource) bool { return true })
}
