package logcollector

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/client"
	"github.com/prometheus/common/model"
)

// containerReader reads the logs of one container through the Docker API. Each line has the time at which the engine
// received it, so that lines that are read again get the same time; the position is the last time, and the number of
// lines that had it.
type containerReader struct {
	logger  *slog.Logger
	sender  *sender
	metrics *metrics
	job     *job
	cli     *client.Client
	id, key string
	name    string
	base    model.LabelSet // before relabeling

	logs io.ReadCloser             // requested and not read yet
	pos  position                  // everything up to here is stored
	sets map[string]model.LabelSet // by stream, without streams that are dropped
}

// dockerLine is a line of a container.
type dockerLine struct {
	stream string
	at     time.Time
	text   string
}

// wanted reports whether relabeling keeps any of the container's lines.
func (r *containerReader) wanted() bool {
	r.sets = map[string]model.LabelSet{}
	for _, stream := range []string{"stdout", "stderr"} {
		withStream := r.base.Merge(model.LabelSet{"__meta_docker_container_log_stream": model.LabelValue(stream)})
		set, keep := relabelled(withStream, r.job.cfg.RelabelConfigs)
		if set = publicLabels(set); keep && len(set) > 0 {
			r.sets[stream] = set
		}
	}
	return len(r.sets) > 0
}

// open requests the lines after those that are stored.
func (r *containerReader) open(ctx context.Context) error {
	r.pos, _ = r.sender.ledger.get(r.key)
	if unfinished, again := r.sender.ledger.unfinished(r.key); again {
		r.pos = unfinished.From
	}
	options := client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Follow: true, Timestamps: true}
	if r.pos.Time > 0 {
		options.Since = fmt.Sprintf("%d.%09d", r.pos.Time/1e9, r.pos.Time%1e9)
	}
	logs, err := r.cli.ContainerLogs(ctx, r.id, options)
	if err != nil {
		return fmt.Errorf("read logs of container %s: %w", r.name, err)
	}
	r.logs = logs
	return nil
}

// close drops lines that were requested.
func (r *containerReader) close() {
	if r.logs != nil {
		_ = r.logs.Close()
		r.logs = nil
	}
}

// run reads until the container ends or ctx does.
func (r *containerReader) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if r.logs == nil {
		if err := r.open(ctx); err != nil {
			return err
		}
	}
	defer r.close()
	open, again := r.sender.ledger.unfinished(r.key)
	lines, failed := make(chan dockerLine, 256), make(chan error, 1)
	logs := r.logs
	go func() {
		defer close(lines)
		failed <- r.read(ctx, logs, lines)
	}()
	if err := r.collect(ctx, lines, open, again); err != nil {
		return err
	}
	return <-failed
}

// read splits the engine's response into lines until it ends.
func (r *containerReader) read(ctx context.Context, logs io.Reader, lines chan<- dockerLine) error {
	in := bufio.NewReaderSize(logs, 64<<10)
	terminal := isTerminal(in)
	emit := func(l dockerLine) error {
		select {
		case lines <- l:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	joined := map[string]*dockerLine{} // by stream: lines longer than 16 KB arrive in pieces
	for {
		stream, payload, err := frame(in, terminal)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			for _, l := range joined {
				if err := emit(*l); err != nil {
					return err
				}
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("read logs of container %s: %w", r.name, err)
		}
		at, text := r.stamped(payload)
		if l := joined[stream]; l != nil {
			text, at = l.text+text, l.at
		}
		whole, ended := strings.CutSuffix(text, "\n")
		if !ended && len(text) < maxLine {
			joined[stream] = &dockerLine{stream, at, text}
			continue
		}
		delete(joined, stream)
		if err := emit(dockerLine{stream, at, strings.ToValidUTF8(strings.TrimSuffix(whole, "\r"), "\uFFFD")}); err != nil {
			return err
		}
	}
}

// isTerminal reports whether the lines are sent without headers, as for a container with a terminal. They then begin
// with the time, and otherwise with a header, whose first byte is the number of a stream.
func isTerminal(in *bufio.Reader) bool {
	first, err := in.Peek(1)
	return err == nil && first[0] > 3
}

// frame returns a piece of output: a line if there is a terminal, otherwise what a header of eight bytes announces.
func frame(in *bufio.Reader, terminal bool) (stream, payload string, err error) {
	if terminal {
		payload, err = in.ReadString('\n')
		if payload != "" {
			err = nil
		}
		return "stdout", payload, err
	}
	var header [8]byte
	if _, err := io.ReadFull(in, header[:]); err != nil {
		return "", "", err
	}
	content := make([]byte, binary.BigEndian.Uint32(header[4:]))
	if _, err := io.ReadFull(in, content); err != nil {
		return "", "", err
	}
	switch header[0] {
	case 2:
		stream = "stderr"
	case 3:
		return "", "", errors.New(strings.TrimSpace(string(content))) // a message of the engine itself
	default:
		stream = "stdout"
	}
	return stream, string(content), nil
}

// stamped removes the time from the beginning of a piece.
func (r *containerReader) stamped(payload string) (time.Time, string) {
	stamp, text, ok := strings.Cut(payload, " ")
	at, err := time.Parse(time.RFC3339Nano, stamp)
	if !ok || err != nil {
		return time.Unix(0, r.pos.Time), payload
	}
	return at, text
}

// collect stores lines in batches, each with the lines that arrived within a short time. The lines of an open batch,
// which may or may not be stored, are looked up first.
func (r *containerReader) collect(ctx context.Context, lines <-chan dockerLine, open intent, again bool) error {
	skip := skipper{r.pos.Time, r.pos.Same}
	until := skipper{open.To.Time, open.To.Same}
	if open.From.Time == open.To.Time {
		until.left -= open.From.Same
	}
	var held []dockerLine
	size := 0
	var last time.Time // when the last line arrived
	flush := func(final bool) error {
		n := len(held)
		if !final && !again {
			n = r.closed(held)
		}
		if n == 0 {
			return nil
		}
		err := r.store(ctx, held[:n], size, again)
		held, size = slices.Clone(held[n:]), 0
		for _, l := range held {
			size += len(l.text)
		}
		return err
	}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		final := false
		select {
		case l, ok := <-lines:
			if !ok {
				return flush(true)
			}
			if skip.old(l.at) {
				continue
			}
			if again && !until.old(l.at) {
				if err := flush(true); err != nil {
					return err
				}
				again = false
			}
			if len(held) == 0 {
				timer.Reset(gather)
			}
			last = time.Now()
			held, size = append(held, l), size+len(l.text)
			if size < enoughBytes {
				continue
			}
			final = size > batchBytes
		case <-timer.C:
			final = r.job.blocks == nil || time.Since(last) > r.job.wait
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := flush(final); err != nil {
			return err
		}
		if len(held) > 0 {
			timer.Reset(pollInterval)
		}
	}
}

// skipper skips the lines up to a position: those before a time, and the first ones of that time.
type skipper struct {
	at   int64
	left int
}

func (s *skipper) old(at time.Time) bool {
	n := at.UnixNano()
	switch {
	case n < s.at:
		return true
	case n == s.at && s.left > 0:
		s.left--
		return true
	}
	return false
}

// closed returns how many of the first lines belong to entries that are complete.
func (r *containerReader) closed(lines []dockerLine) int {
	if r.job.blocks == nil && !r.job.cri {
		return len(lines)
	}
	cut := len(lines)
	for changed := true; changed; {
		changed = false
		for stream, set := range r.sets {
			raws, index := ofStream(lines[:cut], stream)
			if used := r.job.complete(set, raws); used < len(raws) {
				cut, changed = index[used], true
			}
		}
	}
	return cut
}

// ofStream returns the lines of a stream, and the index of each.
func ofStream(lines []dockerLine, stream string) (raws []raw, index []int) {
	for i, l := range lines {
		if l.stream == stream {
			raws, index = append(raws, raw{text: l.text, at: l.at}), append(index, i)
		}
	}
	return raws, index
}

func (r *containerReader) store(ctx context.Context, lines []dockerLine, size int, look bool) error {
	to := r.pos
	to.Path = r.name
	var entries []entry
	for stream, set := range r.sets {
		raws, _ := ofStream(lines, stream)
		made, _ := r.job.run(set, raws, true)
		entries = append(entries, made...)
	}
	for _, l := range lines {
		if at := l.at.UnixNano(); at == to.Time {
			to.Same++
		} else if at > to.Time {
			to.Time, to.Same = at, 1
		}
	}
	apart(entries)
	b := &batch{intent: &intent{Key: r.key, From: r.pos, To: to}, entries: entries, bytes: size, look: look}
	if err := r.sender.send(ctx, b); err != nil {
		return err
	}
	r.metrics.bytes.WithLabelValues("container").Add(float64(size))
	r.pos = to
	return nil
}

// apart separates equal lines with the same time and stream, of which Loki would keep only one.
func apart(entries []entry) {
	type same struct {
		at   int64
		line string
	}
	seen := make(map[same]int, len(entries))
	for i, e := range entries {
		k := same{e.at.UnixNano(), e.line}
		if n := seen[k]; n > 0 {
			entries[i].at = e.at.Add(time.Duration(n))
		}
		seen[k]++
	}
}
