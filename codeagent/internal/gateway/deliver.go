package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/ausguck/ausguck/codeagent/internal/queue"
	"github.com/ausguck/ausguck/instrument"
)

// job is the request to the orchestrator.
type job struct {
	ID    string          `json:"id"`
	Event json.RawMessage `json:"event"`
}

const (
	firstPause = 100 * time.Millisecond
	longest    = 30 * time.Second
)

// errRefused is a response that would be the same next time.
var errRefused = errors.New("orchestrator refuses the job")

// deliver delivers one entry after the other, retrying each until the orchestrator has it.
func (g *Gateway) deliver(ctx context.Context) error {
	for {
		e, err := g.queue.Take(ctx)
		if err != nil {
			return nil // stop requested
		}
		traced := instrument.WithTrace(ctx, instrument.NewTrace())
		pause := firstPause
		for {
			after, err := g.attempt(traced, e)
			if ctx.Err() != nil && err != nil {
				return nil // it is retried after the next start
			}
			if err == nil {
				g.results.Inc("delivered")
				break
			}
			if errors.Is(err, errRefused) {
				g.results.Inc("refused")
				g.base.Logger.ErrorContext(traced, "Dropping job that the orchestrator refuses", "job", e.Key.String(), "err", err)
				break
			}
			g.results.Inc("retried")
			g.base.Logger.WarnContext(traced, "Orchestrator did not take the job", "job", e.Key.String(), "retry_in", max(pause, after).String(), "err", err)
			select {
			case <-time.After(max(pause/2+rand.N(pause), after)):
			case <-ctx.Done():
				return nil
			}
			pause = min(2*pause, longest)
			e.Restored = true // the attempt may have arrived
		}
		g.queue.Done(e)
	}
}

// attempt returns how long the orchestrator asks to wait, in addition to the error.
func (g *Gateway) attempt(ctx context.Context, e *queue.Entry) (after time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, g.config.CallTime)
	defer cancel()
	if e.Restored { // it was sent before, and the response was lost
		there, err := g.there(ctx, e)
		if err != nil || there {
			return 0, err
		}
	}
	body, err := json.Marshal(job{e.Key.String(), e.Payload})
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errRefused, err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, g.config.Orchestrator+"/jobs", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := g.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<10)) // it only explains the status
	switch status := answer.StatusCode; {
	case status < 300:
		return 0, nil
	case status >= 500, status == http.StatusTooManyRequests, status == http.StatusRequestTimeout, status == http.StatusNotFound:
		seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After"))
		return min(time.Duration(seconds)*time.Second, longest), fmt.Errorf("answer %s: %s", answer.Status, bytes.TrimSpace(text))
	default:
		return 0, fmt.Errorf("%w: %s: %s", errRefused, answer.Status, bytes.TrimSpace(text))
	}
}

// there checks whether the orchestrator has the job.
func (g *Gateway) there(ctx context.Context, e *queue.Entry) (bool, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, g.config.Orchestrator+"/jobs/"+e.Key.String(), nil)
	if err != nil {
		return false, err
	}
	answer, err := g.client.Do(r)
	if err != nil {
		return false, err
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<20)) // so that the connection is reused
	switch {
	case answer.StatusCode == http.StatusNotFound:
		return false, nil
	case answer.StatusCode < 300:
		return true, nil
	default:
		return false, fmt.Errorf("ask for job: %s", answer.Status)
	}
}
