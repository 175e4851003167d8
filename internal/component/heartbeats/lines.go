package heartbeats

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/ausguck/ausguck/internal/inproc"
)

// line is a log line and the labels of its stream, which Loki is sent.
type line struct {
	id     int64
	at     time.Time
	labels string // JSON
	text   string
}

// lineOf returns the log line of a ping, in logfmt. r is the record after it.
func lineOf(p *ping, r record) line {
	labels := map[string]string{"job": "heartbeats", "heartbeat": p.heartbeat.Name}
	if p.heartbeat.Group != "" {
		labels["group"] = p.heartbeat.Group
	}
	for name, value := range p.heartbeat.Labels {
		if value != "" {
			labels[name] = value
		}
	}
	encoded, _ := json.Marshal(labels) // a map of strings cannot fail
	level := "info"
	if p.result == Failed {
		level = "error"
	}
	attrs := []slog.Attr{slog.String("level", level), slog.String("result", string(p.result))}
	ended := p.result == Succeeded || p.result == Failed
	if p.exitCode != nil {
		attrs = append(attrs, slog.Int("exit_code", *p.exitCode))
	}
	if ended && r.Duration != nil {
		attrs = append(attrs, slog.Duration("duration", r.Duration.Round(time.Millisecond)))
	}
	for _, a := range []struct{ name, value string }{{"run", p.run}, {"client", p.client}, {"user_agent", p.agent}, {"text", p.text}} {
		if a.value != "" {
			attrs = append(attrs, slog.String(a.name, a.value))
		}
	}
	return line{at: p.at, labels: string(encoded), text: logfmt(attrs)}
}

// logfmt writes attributes as key=value pairs.
func logfmt(attrs []slog.Attr) string {
	var b bytes.Buffer
	h := slog.NewTextHandler(&b, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if _, builtIn := a.Value.Any().(slog.Level); builtIn || a.Key == slog.MessageKey {
			return slog.Attr{}
		}
		return a
	}})
	r := slog.NewRecord(time.Time{}, slog.LevelInfo, "", 0)
	r.AddAttrs(attrs...)
	_ = h.Handle(context.Background(), r) // a buffer takes everything
	return strings.TrimSuffix(b.String(), "\n")
}

// insertLines stores lines until Loki has taken them, the newest maxLines. It returns how many others were dropped.
func insertLines(ctx context.Context, tx *sql.Tx, lines []line) (dropped int64, err error) {
	for _, l := range lines {
		if _, err := tx.ExecContext(ctx, "INSERT INTO heartbeats_line (time, labels, line) VALUES (?, ?, ?)", l.at.UnixNano(), l.labels, l.text); err != nil {
			return 0, err
		}
	}
	if len(lines) == 0 {
		return 0, nil
	}
	result, err := tx.ExecContext(ctx, "DELETE FROM heartbeats_line WHERE id <= (SELECT max(id) FROM heartbeats_line) - ?", maxLines)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

const (
	// linesAtOnce is how many lines are sent to Loki together.
	linesAtOnce = 200
	// retryFirst and retryLast are the pauses between attempts.
	retryFirst, retryLast = time.Second, time.Minute
)

// lineSender sends the stored lines to Loki, oldest first, and removes those that it has taken. A line that was sent but not removed
// before a crash is sent again: Loki drops a line that it has with the same time.
type lineSender struct {
	store  *store
	logs   http.Handler
	tenant func() string
	logger *slog.Logger
	lost   prometheus.Counter
}

func (s *lineSender) run(ctx context.Context) {
	pause := retryFirst
	for ctx.Err() == nil {
		more, err := s.send(ctx)
		var timer <-chan time.Time
		switch {
		case err != nil:
			if pause > retryFirst && ctx.Err() == nil { // Loki may just be starting
				s.logger.Debug("Log lines of heartbeats wait for Loki", "retry_in", pause, "err", err)
			}
			timer = time.After(pause)
			pause = min(2*pause, retryLast)
		case more:
			pause = retryFirst
			continue
		default:
			pause = retryFirst
		}
		wake := s.store.wake
		if err != nil {
			wake = nil // the pause applies to new lines, too
		}
		select {
		case <-ctx.Done():
		case <-wake:
		case <-timer:
		}
	}
}

// send sends the oldest lines; more reports whether there may be others.
func (s *lineSender) send(ctx context.Context) (more bool, err error) {
	lines, err := s.store.oldest(ctx, linesAtOnce)
	if err != nil || len(lines) == 0 {
		return false, err
	}
	rejected, err := s.push(ctx, lines)
	if err != nil {
		return false, err
	}
	if rejected != "" && len(lines) > 1 { // one of them spoils the others
		for _, l := range lines {
			if rejected, err = s.push(ctx, []line{l}); err != nil {
				return false, err
			}
			if err := s.done(ctx, l.id, rejected); err != nil {
				return false, err
			}
		}
		return true, nil
	}
	return true, s.done(ctx, lines[len(lines)-1].id, rejected)
}

// done removes the lines up to an ID. If rejected is not empty, it is why Loki will not take the last one.
func (s *lineSender) done(ctx context.Context, id int64, rejected string) error {
	if rejected != "" {
		s.lost.Inc()
		s.logger.Warn("Loki rejects a log line of a heartbeat; the ping itself is recorded", "err", rejected)
	}
	_, err := s.store.db.ExecContext(ctx, "DELETE FROM heartbeats_line WHERE id <= ?", id)
	return err
}

func (s *store) oldest(ctx context.Context, limit int) (lines []line, err error) {
	rows, err := s.db.QueryContext(ctx, "SELECT id, time, labels, line FROM heartbeats_line ORDER BY id LIMIT ?", limit)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // rows.Err reports errors
	for rows.Next() {
		var l line
		var at int64
		if err := rows.Scan(&l.id, &at, &l.labels, &l.text); err != nil {
			return nil, err
		}
		l.at = time.Unix(0, at)
		lines = append(lines, l)
	}
	return lines, rows.Err()
}

// stream is one stream in a request to Loki.
type stream struct {
	Labels json.RawMessage `json:"stream"`
	Values [][2]string     `json:"values"`
}

// push sends lines to Loki. rejected is Loki's reason if it would not take them at another time either.
func (s *lineSender) push(ctx context.Context, lines []line) (rejected string, err error) {
	var request struct {
		Streams []*stream `json:"streams"`
	}
	streams := map[string]*stream{}
	for _, l := range lines {
		to := streams[l.labels]
		if to == nil {
			to = &stream{Labels: json.RawMessage(l.labels)}
			streams[l.labels] = to
			request.Streams = append(request.Streams, to)
		}
		to.Values = append(to.Values, [2]string{strconv.FormatInt(l.at.UnixNano(), 10), l.text})
	}
	body, err := json.Marshal(request)
	if err != nil {
		return "", fmt.Errorf("encode log lines: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://heartbeats/loki/api/v1/push", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Scope-OrgID", s.tenant())
	answer, err := inproc.Call(s.logs, r)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 4<<10))
	if err != nil {
		return "", err
	}
	reason := fmt.Sprintf("Loki answered %d: %s", answer.StatusCode, cmp.Or(strings.TrimSpace(string(text)), http.StatusText(answer.StatusCode)))
	switch code := answer.StatusCode; {
	case code/100 == 2:
		return "", nil
	case code/100 == 4 && code != http.StatusTooManyRequests && code != http.StatusRequestTimeout:
		return reason, nil
	}
	return "", fmt.Errorf("%s", reason)
}
