package alertmanager

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ausguck/ausguck/internal/database"
)

// Result is the outcome of an attempt.
type Result string

const (
	// Delivered means that the other side accepted it.
	Delivered Result = "delivered"
	// Retrying means that it failed with a temporary error; it is retried.
	Retrying Result = "retrying"
	// Refused means that it failed permanently. Alertmanager retries the group after group_interval.
	Refused Result = "refused"
	// Elsewhere means that after failed attempts, another member of the cluster has sent it.
	Elsewhere Result = "elsewhere"
)

var results = []Result{Delivered, Retrying, Refused, Elsewhere}

// Attempt is one attempt to notify a receiver.
type Attempt struct {
	ID   int64     `json:"id"`
	Time time.Time `json:"time"`
	// Seconds is how long the other side took to respond.
	Seconds     float64 `json:"seconds"`
	Receiver    string  `json:"receiver"`
	Integration string  `json:"integration"`
	// Index distinguishes integrations of one kind in one receiver, starting at 0.
	Index int `json:"index"`
	// Number counts the attempts for the same message, starting at 1.
	Number int    `json:"attempt"`
	Result Result `json:"result"`
	Error  string `json:"error,omitempty"`
	// Reason is why upstream sent it: first notification, new alerts added, repeat interval elapsed, …
	Reason      string            `json:"reason"`
	Route       string            `json:"route"`
	GroupKey    string            `json:"groupKey"`
	GroupLabels map[string]string `json:"groupLabels"`
	Firing      int               `json:"firing"`
	Resolved    int               `json:"resolved"`
	// Alerts are the labels of at most maxAlerts alerts.
	Alerts []map[string]string `json:"alerts"`
}

const (
	// maxAlerts bounds the alerts stored with an attempt; their total number is stored, too.
	maxAlerts = 20
	// minQueue and maxQueue bound how many attempts may wait to be written: as many as are kept, if that is in
	// between.
	minQueue, maxQueue = 4096, 1 << 16
)

// history stores the attempts in the database. Writing never delays a notification.
type history struct {
	db       *sql.DB
	logger   *slog.Logger
	size     int
	queue    chan *Attempt // pointers, since it has capacity for thousands and is mostly empty
	attempts *prometheus.CounterVec
	last     *prometheus.GaugeVec
	lost     prometheus.Counter
	prepared atomic.Bool
}

var migrations = []string{
	`CREATE TABLE alertmanager_attempt (
		id INTEGER PRIMARY KEY AUTOINCREMENT,
		time INTEGER NOT NULL, -- nanoseconds since 1970
		receiver TEXT NOT NULL,
		result TEXT NOT NULL,
		attempt TEXT NOT NULL -- JSON
	) STRICT;
	CREATE INDEX alertmanager_attempt_receiver ON alertmanager_attempt (receiver, id);
	CREATE INDEX alertmanager_attempt_result ON alertmanager_attempt (result, id);`,
}

func newHistory(o Options, db *sql.DB) *history {
	labels := []string{"receiver", "integration", "result"}
	h := &history{
		db: db, logger: o.Logger, size: max(o.HistorySize, 1), queue: make(chan *Attempt, min(max(o.HistorySize, minQueue), maxQueue)),
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ausguck_alertmanager_notification_attempts_total", Help: "Notification attempts, by result: delivered, retrying, refused, elsewhere (sent by another member of the cluster).",
		}, labels),
		last: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "ausguck_alertmanager_last_notification_attempt_timestamp_seconds", Help: "Timestamp of the last notification attempt with this result.",
		}, labels),
		lost: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ausguck_alertmanager_notification_records_lost_total", Help: "Notification attempts that could not be recorded; the notifications were sent.",
		}),
	}
	o.Registerer.MustRegister(h.attempts, h.last, h.lost)
	return h
}

// prepare creates the tables if they can be created and do not exist yet.
func (h *history) prepare(ctx context.Context) error {
	if h.prepared.Load() {
		return nil
	}
	if err := database.Migrate(ctx, h.db, "alertmanager", migrations); err != nil {
		return err
	}
	h.prepared.Store(true)
	return nil
}

// add records an attempt.
func (h *history) add(a Attempt) {
	labels := []string{a.Receiver, a.Integration, string(a.Result)}
	h.attempts.WithLabelValues(labels...).Inc()
	h.last.WithLabelValues(labels...).Set(float64(a.Time.UnixNano()) / 1e9)
	select {
	case h.queue <- &a:
	default:
		h.lost.Inc()
	}
}

// start writes added attempts until the returned function is called, which writes the rest.
func (h *history) start() (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case a := <-h.queue:
				h.write(append([]Attempt{*a}, h.waiting()...))
			case <-done:
				h.write(h.waiting())
				return
			}
		}
	})
	return func() {
		close(done)
		wg.Wait()
	}
}

func (h *history) waiting() (batch []Attempt) {
	for {
		select {
		case a := <-h.queue:
			batch = append(batch, *a)
		default:
			return batch
		}
	}
}

func (h *history) write(batch []Attempt) {
	if len(batch) == 0 {
		return
	}
	if err := h.insert(batch); err != nil {
		h.lost.Add(float64(len(batch)))
		h.logger.Error("Notification attempts are not recorded", "attempts", len(batch), "err", err)
	}
}

func (h *history) insert(batch []Attempt) error {
	ctx := context.Background()
	if err := h.prepare(ctx); err != nil {
		return err
	}
	tx, err := h.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // no-op after Commit
	for _, a := range batch {
		content, err := json.Marshal(a)
		if err != nil {
			return fmt.Errorf("encode an attempt: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO alertmanager_attempt (time, receiver, result, attempt) VALUES (?, ?, ?, ?)`,
			a.Time.UnixNano(), a.Receiver, string(a.Result), string(content)); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM alertmanager_attempt WHERE id <= (SELECT max(id) FROM alertmanager_attempt) - ?`, h.size); err != nil {
		return err
	}
	return tx.Commit()
}

// filter selects attempts. Its zero value selects the newest of all.
type filter struct {
	receiver string
	result   Result
	// alertname is matched against the labels of the alerts.
	alertname string
	// before is the ID from which to continue back in time; 0 means the newest.
	before int64
	limit  int
}

// list returns attempts, newest first.
func (h *history) list(ctx context.Context, f filter) ([]Attempt, error) {
	if err := h.prepare(ctx); err != nil {
		return nil, fmt.Errorf("read the history of notifications: %w", err)
	}
	rows, err := h.db.QueryContext(ctx, `SELECT id, attempt FROM alertmanager_attempt
		WHERE (?1 = '' OR receiver = ?1) AND (?2 = '' OR result = ?2) AND (?3 = 0 OR id < ?3)
		AND (?4 = '' OR EXISTS (SELECT 1 FROM json_each(attempt, '$.alerts') WHERE json_extract(value, '$.alertname') = ?4))
		ORDER BY id DESC LIMIT ?5`, f.receiver, string(f.result), f.before, f.alertname, f.limit)
	if err != nil {
		return nil, fmt.Errorf("read the history of notifications: %w", err)
	}
	defer func() { _ = rows.Close() }() // rows.Err reports errors
	attempts := []Attempt{}
	for rows.Next() {
		var id int64
		var content []byte
		if err := rows.Scan(&id, &content); err != nil {
			return nil, fmt.Errorf("read the history of notifications: %w", err)
		}
		var a Attempt
		if err := json.Unmarshal(content, &a); err != nil {
			return nil, fmt.Errorf("read attempt %d: %w", id, err)
		}
		a.ID = id
		attempts = append(attempts, a)
	}
	return attempts, rows.Err()
}

// lastOf returns the newest attempt of each integration of a receiver, by "integration[index]".
func (h *history) lastOf(ctx context.Context, receiver string) (map[string]Attempt, error) {
	attempts, err := h.list(ctx, filter{receiver: receiver, limit: 200})
	if err != nil {
		return nil, err
	}
	last := map[string]Attempt{}
	for _, a := range attempts {
		key := fmt.Sprintf("%s[%d]", a.Integration, a.Index)
		if _, newer := last[key]; !newer {
			last[key] = a
		}
	}
	return last, nil
}
