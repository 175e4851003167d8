package statuspage

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/ausguck/ausguck/internal/database"
)

var migrations = []string{
	`CREATE TABLE statuspage_day ( -- the availability of a component on a day, kept when its samples are gone
		page TEXT NOT NULL,
		component TEXT NOT NULL,
		day INTEGER NOT NULL, -- since 1970, UTC
		available REAL NOT NULL, -- 0 to 1
		PRIMARY KEY (page, component, day)
	) STRICT, WITHOUT ROWID;
	CREATE TABLE statuspage_event ( -- an incident, or a planned maintenance
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		page TEXT NOT NULL,
		starts INTEGER NOT NULL, -- seconds since 1970
		event TEXT NOT NULL -- JSON
	) STRICT;
	CREATE INDEX statuspage_event_page ON statuspage_event (page, starts);`,
}

// historyDays is how many days a page shows.
const historyDays = 90

// dayOf returns the number of the day of a time.
func dayOf(t time.Time) int64 { return t.Unix() / 86_400 }

// Stage is the progress of an incident.
type Stage string

// The stages of an incident, in their usual order.
const (
	Investigating Stage = "investigating"
	Identified    Stage = "identified"
	Monitoring    Stage = "monitoring"
	Resolved      Stage = "resolved"
)

var stages = []Stage{Investigating, Identified, Monitoring, Resolved}

// Update is a message about an incident.
type Update struct {
	Time  time.Time `json:"time"`
	Stage Stage     `json:"stage"`
	Text  string    `json:"text"`
}

// Event is an incident, or a planned maintenance.
type Event struct {
	ID   int64  `json:"id"`
	Page string `json:"page"`
	// Planned is set for a maintenance.
	Planned bool   `json:"planned"`
	Title   string `json:"title"`
	// Components are the affected ones.
	Components []string `json:"components"`
	// Starts and Ends are those of a maintenance. An incident starts with its first update, and ends when it is resolved.
	Starts time.Time `json:"starts"`
	Ends   time.Time `json:"ends,omitzero"`
	// Updates are the messages about an incident, oldest first; a maintenance has one, which describes it.
	Updates []Update `json:"updates"`
	// Silences are the IDs of the silences that a maintenance has created.
	Silences []string `json:"silences,omitempty"`
	// Told is what subscribers were last told about a maintenance; empty if nothing.
	Told progress `json:"told,omitempty"`
}

// progress is that of a maintenance.
type progress string

const (
	planned progress = "planned"
	started progress = "started"
	ended   progress = "ended"
)

// progress of a maintenance at a time.
func (e *Event) progress(now time.Time) progress {
	switch {
	case now.Before(e.Starts):
		return planned
	case now.Before(e.Ends):
		return started
	}
	return ended
}

// active reports whether an incident is not resolved, or a maintenance is in progress.
func (e *Event) active(now time.Time) bool {
	return !now.Before(e.Starts) && (e.Ends.IsZero() || now.Before(e.Ends))
}

type store struct{ db *sql.DB }

func (s store) prepare(ctx context.Context) error {
	return database.Migrate(ctx, s.db, "statuspage", migrations)
}

// days returns the availability of the components of a page, by component and day.
func (s store) days(ctx context.Context, page string, since int64) (_ map[string]map[int64]float64, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT component, day, available FROM statuspage_day WHERE page = ? AND day >= ?", page, since)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	found := map[string]map[int64]float64{}
	for rows.Next() {
		var component string
		var day int64
		var available float64
		if err := rows.Scan(&component, &day, &available); err != nil {
			return nil, err
		}
		if found[component] == nil {
			found[component] = map[int64]float64{}
		}
		found[component][day] = available
	}
	return found, rows.Err()
}

func (s store) putDay(ctx context.Context, page, component string, day int64, available float64) error {
	_, err := s.db.ExecContext(ctx, "INSERT INTO statuspage_day (page, component, day, available) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET available = ?4",
		page, component, day, available)
	return err
}

// forget removes what no page shows any more.
func (s store) forget(ctx context.Context, now time.Time) error {
	_, err := s.db.ExecContext(ctx, "DELETE FROM statuspage_day WHERE day < ?", dayOf(now)-historyDays)
	return err
}

// events returns those of a page that started after a time or have not ended, newest first.
func (s store) events(ctx context.Context, page string, since time.Time) (events []Event, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT id, event FROM statuspage_event WHERE page = ? ORDER BY starts DESC, id DESC", page)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var id int64
		var text string
		if err := rows.Scan(&id, &text); err != nil {
			return nil, err
		}
		var e Event
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			return nil, fmt.Errorf("event %d in the database: %w", id, err)
		}
		e.ID = id
		if e.Ends.IsZero() || e.Ends.After(since) {
			events = append(events, e)
		}
	}
	return events, rows.Err()
}

var errNoEvent = errors.New("there is no such incident or maintenance")

func (s store) event(ctx context.Context, id int64) (e Event, err error) {
	var text string
	switch err := s.db.QueryRowContext(ctx, "SELECT event FROM statuspage_event WHERE id = ?", id).Scan(&text); {
	case errors.Is(err, sql.ErrNoRows):
		return e, errNoEvent
	case err != nil:
		return e, err
	}
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		return e, err
	}
	e.ID = id
	return e, nil
}

// putEvent adds an event whose ID is 0, or changes the one with the ID, and calls then in the same transaction. The error is
// errNoEvent if the event was removed since it was read.
func (s store) putEvent(ctx context.Context, e *Event, then func(*sql.Tx) error) error {
	tx, err := s.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // without effect after a commit
	if err := writeEvent(ctx, tx, e); err != nil {
		return err
	}
	if err := then(tx); err != nil {
		return err
	}
	return tx.Commit()
}

func writeEvent(ctx context.Context, tx *sql.Tx, e *Event) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if e.ID == 0 {
		result, err := tx.ExecContext(ctx, "INSERT INTO statuspage_event (page, starts, event) VALUES (?, ?, ?)", e.Page, e.Starts.Unix(), string(text))
		if err != nil {
			return err
		}
		e.ID, err = result.LastInsertId()
		return err
	}
	result, err := tx.ExecContext(ctx, "UPDATE statuspage_event SET starts = ?, event = ? WHERE id = ?", e.Starts.Unix(), string(text), e.ID)
	if err != nil {
		return err
	}
	return oneRow(result)
}

// oneRow returns errNoEvent if a statement has found no event.
func oneRow(result sql.Result) error {
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		err = errNoEvent
	}
	return err
}

func (s store) removeEvent(ctx context.Context, id int64) error {
	result, err := s.db.ExecContext(ctx, "DELETE FROM statuspage_event WHERE id = ?", id)
	if err != nil {
		return err
	}
	return oneRow(result)
}
