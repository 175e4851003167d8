package heartbeats

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ausguck/ausguck/internal/database"
)

var migrations = []string{
	`CREATE TABLE heartbeats_record (
		name TEXT PRIMARY KEY,
		record TEXT NOT NULL -- JSON
	) STRICT, WITHOUT ROWID;
	CREATE TABLE heartbeats_line ( -- log lines that Loki has not taken yet
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		time INTEGER NOT NULL, -- nanoseconds since 1970
		labels TEXT NOT NULL, -- JSON
		line TEXT NOT NULL
	) STRICT;
	CREATE TABLE heartbeats_alive ( -- one row
		one INTEGER PRIMARY KEY CHECK (one = 1),
		time INTEGER NOT NULL -- when pings were taken for the last time, nanoseconds since 1970
	) STRICT;`,
	`CREATE TABLE heartbeats_added ( -- on the page
		name TEXT PRIMARY KEY,
		definition TEXT NOT NULL, -- JSON
		token BLOB NOT NULL UNIQUE -- its SHA-256
	) STRICT, WITHOUT ROWID;`,
}

const (
	// maxBatch is how many pings share one commit.
	maxBatch = 256
	// aliveEvery is how often the time is stored, so that the next start knows since when no pings were taken.
	aliveEvery = time.Minute
	// maxLines is how many log lines wait for Loki.
	maxLines = 10_000
	// keepRemoved is how long the record of a heartbeat is kept after it was removed from the configuration.
	keepRemoved = 30 * 24 * time.Hour
)

var errStopping = errors.New("heartbeats are stopping")

// store is the state of all heartbeats, in memory and in the database. One goroutine writes it: what arrives while it commits is in
// the next commit together.
type store struct {
	db *sql.DB
	// keepsLines is set if log lines are stored.
	keepsLines bool
	lost       prometheus.Counter
	up         uptime
	queue      chan *request
	// wake tells the sender of lines that there are some.
	wake    chan struct{}
	stopped chan struct{}

	mtx     sync.RWMutex
	records map[string]record
}

// request is a change of the state: a ping, or a configuration.
type request struct {
	ping   *ping
	config *Config
	// page is what the configuration has from the page, if that is to be stored; otherwise nil.
	page []added
	done chan error
}

// openStore reads the state of a program that took pings until now.
func openStore(ctx context.Context, db *sql.DB, keepsLines bool, now time.Time) (*store, error) {
	if err := database.Migrate(ctx, db, "heartbeats", migrations); err != nil {
		return nil, err
	}
	s := &store{
		db: db, keepsLines: keepsLines, up: uptime{until: now, since: now}, records: map[string]record{},
		queue: make(chan *request, maxBatch), wake: make(chan struct{}, 1), stopped: make(chan struct{}),
	}
	var alive int64
	switch err := db.QueryRowContext(ctx, "SELECT time FROM heartbeats_alive").Scan(&alive); {
	case err == nil:
		s.up.until = time.Unix(0, alive)
	case !errors.Is(err, sql.ErrNoRows):
		return nil, err
	}
	rows, err := db.QueryContext(ctx, "SELECT name, record FROM heartbeats_record")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // rows.Err reports errors
	for rows.Next() {
		var name string
		var content []byte
		if err := rows.Scan(&name, &content); err != nil {
			return nil, err
		}
		var r record
		if err := json.Unmarshal(content, &r); err != nil {
			return nil, fmt.Errorf("decode the record of %q: %w", name, err)
		}
		s.records[name] = r
	}
	return s, rows.Err()
}

// take records a ping. It returns when the ping is on disk.
func (s *store) take(ctx context.Context, p *ping) error { return s.do(ctx, &request{ping: p}) }

// configure records which heartbeats are configured, and stores those of the page, unless page is nil. Either all of it is on disk
// afterwards or nothing.
func (s *store) configure(ctx context.Context, c *Config, page []added) error {
	return s.do(ctx, &request{config: c, page: page})
}

func (s *store) do(ctx context.Context, r *request) error {
	r.done = make(chan error, 1)
	select {
	case s.queue <- r:
	case <-s.stopped:
		return errStopping
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-r.done:
		return err
	case <-s.stopped:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-r.done: // with its last commit
		return err
	default:
		return errStopping
	}
}

// record returns the state of a heartbeat.
func (s *store) record(name string) (record, bool) {
	s.mtx.RLock()
	defer s.mtx.RUnlock()
	r, ok := s.records[name]
	return r, ok
}

// run writes what is requested until ctx ends.
func (s *store) run(ctx context.Context) error {
	defer close(s.stopped)
	alive := time.NewTicker(aliveEvery)
	defer alive.Stop()
	for {
		select {
		case first := <-s.queue:
			s.commit(append([]*request{first}, s.waiting()...))
		case <-alive.C:
			if len(s.records) > 0 { // otherwise the time matters to nobody
				s.commit(nil)
			}
		case <-ctx.Done():
			s.commit(s.waiting())
			return nil
		}
	}
}

func (s *store) waiting() (batch []*request) {
	for len(batch) < maxBatch-1 {
		select {
		case r := <-s.queue:
			batch = append(batch, r)
		default:
			return batch
		}
	}
	return batch
}

// commit writes a batch, and then makes it visible and answers. If it fails, nothing has changed.
func (s *store) commit(batch []*request) {
	c := &change{records: map[string]record{}, before: s.records} // only this goroutine changes s.records
	for _, r := range batch {
		if r.config != nil {
			c.configure(r.config, time.Now())
		} else {
			c.ping(r.ping)
		}
		if r.page != nil {
			c.page = r.page
		}
	}
	if !s.keepsLines {
		c.lines = nil
	}
	dropped, err := s.write(c)
	if err == nil {
		s.publish(c)
		s.lost.Add(float64(dropped))
	}
	for _, r := range batch {
		r.done <- err
	}
	if err == nil && len(c.lines) > 0 {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

func (s *store) publish(c *change) {
	s.mtx.Lock()
	defer s.mtx.Unlock()
	maps.Copy(s.records, c.records)
	for _, name := range c.forgotten {
		delete(s.records, name)
	}
}

// write returns how many lines were dropped because too many wait.
func (s *store) write(c *change) (dropped int64, err error) {
	ctx := context.Background() // a commit is not given up, because its result would be unknown
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer func() { _ = tx.Rollback() }() // no-op after Commit
	for name, r := range c.records {
		content, err := json.Marshal(r)
		if err != nil {
			return 0, fmt.Errorf("encode the record of %q: %w", name, err)
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO heartbeats_record (name, record) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET record = ?2",
			name, string(content)); err != nil {
			return 0, err
		}
	}
	for _, name := range c.forgotten {
		if _, err := tx.ExecContext(ctx, "DELETE FROM heartbeats_record WHERE name = ?", name); err != nil {
			return 0, err
		}
	}
	if dropped, err = insertLines(ctx, tx, c.lines); err != nil {
		return 0, err
	}
	if c.page != nil {
		if err := replaceAdded(ctx, tx, c.page); err != nil {
			return 0, err
		}
	}
	if _, err := tx.ExecContext(ctx, "INSERT INTO heartbeats_alive (one, time) VALUES (1, ?1) ON CONFLICT (one) DO UPDATE SET time = ?1",
		time.Now().UnixNano()); err != nil {
		return 0, err
	}
	return dropped, tx.Commit()
}

// change is what a batch changes.
type change struct {
	before, records map[string]record
	forgotten       []string
	lines           []line
	// page is what is stored of the page; nil if that does not change.
	page []added
}

func (c *change) record(name string) record {
	if r, ok := c.records[name]; ok {
		return r
	}
	return c.before[name]
}

func (c *change) ping(p *ping) {
	name := p.heartbeat.Name
	r := c.record(name)
	if r.Since.IsZero() { // it was removed while the ping waited
		r = r.configured(p.heartbeat, p.at)
	}
	next := r.after(p)
	c.records[name] = next
	c.lines = append(c.lines, lineOf(p, next))
}

func (c *change) configure(cfg *Config, now time.Time) {
	configured := map[string]bool{}
	for _, h := range cfg.Heartbeats {
		configured[h.Name] = true
		c.records[h.Name] = c.record(h.Name).configured(h, now)
	}
	for name, r := range c.before {
		switch {
		case configured[name]:
		case r.Removed.IsZero():
			r = c.record(name)
			r.Removed = now
			c.records[name] = r
		case now.Sub(r.Removed) > keepRemoved:
			c.forgotten = append(c.forgotten, name)
		}
	}
}
