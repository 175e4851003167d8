package logcollector

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
)

// journalReader reads the systemd journal with journalctl, because systemd's library cannot be linked into a
// static program (ADR 0013). The position is the journal's cursor, and each line has the journal's time.
type journalReader struct {
	logger  *slog.Logger
	sender  *sender
	metrics *metrics
	job     *job
	key     string
	pos     position
}

const journalctl = "journalctl"

// journalProblem returns why the journal cannot be read here, nil if it can.
func journalProblem() error {
	if _, err := exec.LookPath(journalctl); err != nil {
		return fmt.Errorf("reading the journal requires journalctl, which is not available (%w): install systemd, or configure journald to forward to syslog and read its files in /var/log", err)
	}
	return nil
}

// run reads until ctx ends, and restarts journalctl when it exits.
func (r *journalReader) run(ctx context.Context) {
	said := ""
	for wait := time.Duration(0); ; wait = 5 * time.Second {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		err := r.follow(ctx)
		if err != nil && ctx.Err() == nil && err.Error() != said {
			said = err.Error()
			r.logger.Warn("Cannot read the journal; retrying", "job", r.job.name, "err", err)
		}
	}
}

func (r *journalReader) arguments() []string {
	c := r.job.cfg.JournalConfig
	args := []string{"--output=json", "--follow", "--no-tail", "--no-pager", "--quiet", "--all"}
	if c.Path != "" {
		args = append(args, "--directory="+c.Path)
	}
	if r.pos.Cursor != "" {
		args = append(args, "--after-cursor="+r.pos.Cursor)
	} else {
		age, err := time.ParseDuration(c.MaxAge)
		if err != nil {
			age = 7 * time.Hour // Promtail's default
		}
		args = append(args, "--since=@"+strconv.FormatInt(time.Now().Add(-age).Unix(), 10))
	}
	return append(args, strings.Fields(c.Matches)...)
}

func (r *journalReader) follow(ctx context.Context) error {
	r.pos, _ = r.sender.ledger.get(r.key)
	open, again := r.sender.ledger.unfinished(r.key)
	if again {
		r.pos = open.From
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, journalctl, r.arguments()...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start journalctl: %w", err)
	}
	lines := make(chan map[string]string, 256)
	go func() {
		defer close(lines)
		readJournal(ctx, out, lines)
	}()
	err = r.collect(ctx, lines, open, again)
	cancel()
	wait := cmd.Wait()
	if err == nil && ctx.Err() == nil {
		err = wait
	}
	if text := strings.TrimSpace(stderr.String()); text != "" && err != nil {
		err = fmt.Errorf("%w: %s", err, text)
	}
	return err
}

// readJournal turns journalctl's JSON into fields, one map per entry.
func readJournal(ctx context.Context, out io.Reader, lines chan<- map[string]string) {
	in := json.NewDecoder(bufio.NewReaderSize(out, 64<<10))
	for {
		var fields map[string]any
		if in.Decode(&fields) != nil {
			return // ended; the caller knows why
		}
		texts := make(map[string]string, len(fields))
		for name, value := range fields {
			texts[name] = fieldText(value)
		}
		select {
		case lines <- texts:
		case <-ctx.Done():
			return
		}
	}
}

// fieldText returns a field's value, which journalctl writes as a list of bytes if it is not text.
func fieldText(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case []any:
		b := make([]byte, 0, len(v))
		for _, n := range v {
			f, ok := n.(float64)
			if !ok {
				return fieldText(n) // a field that occurs twice
			}
			b = append(b, byte(f))
		}
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	return ""
}

func (r *journalReader) collect(ctx context.Context, lines <-chan map[string]string, open intent, again bool) error {
	var held []map[string]string
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case l, ok := <-lines:
			if !ok {
				return errors.Join(r.store(ctx, held, again), errors.New("journalctl exited"))
			}
			if len(held) == 0 {
				timer.Reset(gather)
			}
			held = append(held, l)
			if again && l["__CURSOR"] == open.To.Cursor {
				if err := r.store(ctx, held, true); err != nil {
					return err
				}
				held, again = nil, false
				continue
			}
			if len(held) < 1000 || again {
				continue
			}
		case <-timer.C:
			if again {
				timer.Reset(gather) // the lines existed before; they are sent soon
				continue
			}
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := r.store(ctx, held, again); err != nil {
			return err
		}
		held = nil
	}
}

func (r *journalReader) store(ctx context.Context, lines []map[string]string, look bool) error {
	if len(lines) == 0 {
		return nil
	}
	to := r.pos
	raws := make([]raw, 0, len(lines))
	for _, fields := range lines {
		to.Cursor = fields["__CURSOR"]
		micro, _ := strconv.ParseInt(fields["__REALTIME_TIMESTAMP"], 10, 64)
		text, ok := fields["MESSAGE"]
		if r.job.cfg.JournalConfig.JSON {
			content, err := json.Marshal(fields)
			text, ok = string(content), err == nil
		}
		if !ok {
			continue
		}
		set, keep := relabelled(journalLabels(fields).Merge(r.job.cfg.JournalConfig.Labels), r.job.cfg.RelabelConfigs)
		if set = publicLabels(set); keep && len(set) > 0 {
			raws = append(raws, raw{text: text, at: time.UnixMicro(micro), extra: set})
		}
	}
	entries, _ := r.job.run(nil, raws, true)
	stamp(entries, 0, 0, &to)
	if err := r.sender.send(ctx, &batch{intent: &intent{Key: r.key, From: r.pos, To: to}, entries: entries, look: look}); err != nil {
		return err
	}
	r.pos = to
	return nil
}

var priorities = [...]string{"emerg", "alert", "crit", "error", "warning", "notice", "info", "debug"}

// journalLabels returns the labels that Promtail gives an entry before relabeling.
func journalLabels(fields map[string]string) model.LabelSet {
	set := make(model.LabelSet, len(fields)+1)
	for name, value := range fields {
		set[model.LabelName("__journal_"+strings.ToLower(name))] = model.LabelValue(value)
		if n, err := strconv.Atoi(value); name == "PRIORITY" && err == nil && n >= 0 && n < len(priorities) {
			set["__journal_priority_keyword"] = model.LabelValue(priorities[n])
		}
	}
	return set
}
