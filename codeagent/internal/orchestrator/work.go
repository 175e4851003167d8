package orchestrator

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/ausguck/ausguck/codeagent/internal/queue"
	"github.com/ausguck/ausguck/instrument"
)

// event has the fields of a service hook's event that the orchestrator uses.
type event struct {
	EventType string `json:"eventType"`
	Resource  struct {
		PullRequestID int `json:"pullRequestId"`
		PullRequest   *struct {
			PullRequestID int        `json:"pullRequestId"`
			Repository    repository `json:"repository"`
		} `json:"pullRequest"` // in comments
		Repository repository `json:"repository"`
	} `json:"resource"`
}

type repository struct {
	ID      string `json:"id"`
	Project struct {
		Name string `json:"name"`
	} `json:"project"`
}

// parseEvent treats a resource of an unknown format as one without an action.
func parseEvent(raw json.RawMessage) (event, error) {
	var e event
	err := json.Unmarshal(raw, &e)
	if shape := (*json.UnmarshalTypeError)(nil); errors.As(err, &shape) && e.EventType != "" {
		return event{EventType: e.EventType}, nil
	}
	if err != nil {
		return event{}, fmt.Errorf("event: %w", err)
	}
	if e.EventType == "" {
		return event{}, errors.New("event: it has no eventType")
	}
	return e, nil
}

// pullRequest returns the event's pull request; false if there is nothing to do.
func (e event) pullRequest() (id int, in repository, ok bool) {
	id, in = e.Resource.PullRequestID, e.Resource.Repository
	if e.Resource.PullRequest != nil {
		id, in = e.Resource.PullRequest.PullRequestID, e.Resource.PullRequest.Repository
	}
	switch e.EventType {
	case "git.pullrequest.created", "git.pullrequest.updated", "ms.vss-code.git-pullrequest-comment-event":
		return id, in, id > 0 && in.ID != "" && in.Project.Name != ""
	}
	return 0, in, false
}

// work runs one job after the other.
func (o *Orchestrator) work(ctx context.Context) error {
	for {
		e, err := o.queue.Take(ctx)
		if err != nil {
			return nil // stop requested
		}
		result, err := o.run(instrument.WithTrace(ctx, instrument.NewTrace()), e)
		if ctx.Err() != nil && err != nil {
			return nil // it runs again after the next start
		}
		o.finish(e.Key, result, err)
		o.queue.Done(e)
	}
}

// run runs the steps of a job.
func (o *Orchestrator) run(ctx context.Context, entry *queue.Entry) (result string, err error) {
	start := time.Now()
	e, err := parseEvent(entry.Payload)
	o.set(entry.Key, func(s *state) { s.EventType, s.State = e.EventType, runs })
	id, in, ok := e.pullRequest()
	switch {
	case err != nil:
		result = failed
	case !ok:
		result = skipped
	default:
		if err = o.steps(ctx, entry.Key, id, in); err != nil {
			result = failed
		} else {
			result = done
		}
	}
	if err != nil && ctx.Err() != nil {
		return result, err // stop requested: the job is not finished
	}
	o.jobTime.Observe(time.Since(start).Seconds(), result)
	if err != nil {
		o.base.Logger.ErrorContext(ctx, "Job failed", "job", entry.Key.String(), "event_type", e.EventType, "err", err)
	} else {
		o.base.Logger.InfoContext(ctx, "Job finished", "job", entry.Key.String(), "event_type", e.EventType, "result", result,
			"took_seconds", time.Since(start).Seconds())
	}
	return result, err
}

// file is the file that is to be changed according to a pull request's description.
const file = "/main.go"

func (o *Orchestrator) steps(ctx context.Context, key queue.Key, id int, in repository) error {
	project, repo := url.PathEscape(in.Project.Name), url.PathEscape(in.ID)
	request := fmt.Sprintf("%s/pull-requests/%s/%s/%d", o.config.Adapter, project, repo, id)
	var pull struct {
		Title       string `json:"title"`
		Description string `json:"description"`
		Source      string `json:"sourceRefName"`
	}
	if err := o.step(ctx, key, "pull_request", o.adapter, http.MethodGet, request, nil, &pull); err != nil {
		return err
	}
	var content struct {
		Content string `json:"content"`
	}
	query := url.Values{"path": {file}}
	if branch, ok := bytes.CutPrefix([]byte(pull.Source), []byte("refs/heads/")); ok {
		query.Set("version", string(branch))
	}
	address := fmt.Sprintf("%s/files/%s/%s?%s", o.config.Adapter, project, repo, query.Encode())
	if err := o.step(ctx, key, "file", o.adapter, http.MethodGet, address, nil, &content); err != nil {
		return err
	}
	var made struct {
		Patch string `json:"patch"`
	}
	ask := map[string]string{"instruction": pull.Title + "\n\n" + pull.Description, "path": file, "content": content.Content}
	if err := o.step(ctx, key, "patch", o.llm, http.MethodPost, o.config.LLMPatch+"/patch", ask, &made); err != nil {
		return err
	}
	comment := map[string]string{"text": "Suggested change:\n\n```diff\n" + made.Patch + "```\n"}
	return o.step(ctx, key, "comment", o.adapter, http.MethodPost, request+"/comments", comment, nil)
}

// step makes one call and measures it.
func (o *Orchestrator) step(ctx context.Context, key queue.Key, name string, client *http.Client, method, address string, in, out any) error {
	o.set(key, func(s *state) { s.Step = name })
	ctx, cancel := context.WithTimeout(ctx, o.config.StepTime)
	defer cancel()
	start, result := time.Now(), "ok"
	err := call(ctx, client, method, address, in, out)
	if err != nil {
		result, err = "error", fmt.Errorf("%s: %w", name, err)
	}
	o.stepTime.Observe(time.Since(start).Seconds(), name, result)
	return err
}

func call(ctx context.Context, client *http.Client, method, address string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, 16<<20))
	if err != nil {
		return err
	}
	if answer.StatusCode >= 300 {
		return fmt.Errorf("answer %s: %.300s", answer.Status, bytes.TrimSpace(text))
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}
