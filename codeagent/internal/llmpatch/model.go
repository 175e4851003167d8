package llmpatch

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// chunk is one event of an OpenAI-compatible stream.
type chunk struct {
	Choices []struct {
		Delta struct {
			Content string `json:"content"`
			Refusal string `json:"refusal"`
		} `json:"delta"`
		FinishReason string `json:"finish_reason"`
	} `json:"choices"`
	Usage *usage `json:"usage"`
	Error *struct {
		Message string `json:"message"`
	} `json:"error"`
}

type usage struct {
	In  int `json:"prompt_tokens"`
	Out int `json:"completion_tokens"`
}

// failure is an error with its label in the metrics.
type failure struct {
	kind string
	err  error
}

func (f failure) Error() string { return f.err.Error() }
func (f failure) Unwrap() error { return f.err }

const (
	maxEvent  = 1 << 20 // of the stream
	maxAnswer = 4 << 20
)

const instructions = "You change code. Answer with one unified diff for the file and nothing else."

// ask streams a response: it calls token for each part.
func (p *Patcher) ask(ctx context.Context, q request, token func(string) error) (answer string, u usage, err error) {
	body, err := json.Marshal(map[string]any{
		"model": p.config.Model, "stream": true, "stream_options": map[string]bool{"include_usage": true},
		"messages": []map[string]string{
			{"role": "system", "content": instructions},
			{"role": "user", "content": q.Instruction + "\n\nFile " + q.Path + ":\n" + q.Content},
		},
	})
	if err != nil {
		return "", u, failure{"request", err}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.config.BaseURL+"/chat/completions", bytes.NewReader(body))
	if err != nil {
		return "", u, failure{"request", err}
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "text/event-stream")
	if p.config.Key != "" {
		r.Header.Set("Authorization", "Bearer "+p.config.Key)
	}
	reply, err := p.client.Do(r)
	if err != nil {
		return "", u, failure{kindOf(err, "network"), err}
	}
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(reply.Body, 500)) // it only explains the status
		return "", u, failure{statusKind(reply.StatusCode), fmt.Errorf("model answers %s: %s", reply.Status, bytes.TrimSpace(text))}
	}
	return readStream(reply.Body, token)
}

// readStream reads server-sent events until [DONE].
func readStream(from io.Reader, token func(string) error) (answer string, u usage, err error) {
	lines := bufio.NewScanner(from)
	lines.Buffer(make([]byte, 0, 64<<10), maxEvent)
	var text, refusal strings.Builder
	finish := ""
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data:")
		if !ok {
			continue // comments and blank lines
		}
		if data = strings.TrimSpace(data); data == "[DONE]" {
			if finish == "content_filter" && refusal.Len() == 0 {
				refusal.WriteString("content filter")
			}
			if refusal.Len() > 0 {
				return "", u, failure{"refusal", fmt.Errorf("model refuses: %.200s", refusal.String())}
			}
			if finish == "length" {
				return "", u, failure{"length", errors.New("answer is cut off at the model's limit")}
			}
			return text.String(), u, nil
		}
		var c chunk
		if err := json.Unmarshal([]byte(data), &c); err != nil {
			return "", u, failure{"protocol", fmt.Errorf("event of the model: %w", err)}
		}
		if c.Error != nil {
			return "", u, failure{"server", errors.New(c.Error.Message)}
		}
		if c.Usage != nil {
			u = *c.Usage
		}
		for _, choice := range c.Choices {
			refusal.WriteString(choice.Delta.Refusal)
			if choice.FinishReason != "" {
				finish = choice.FinishReason
			}
			if choice.Delta.Content == "" {
				continue
			}
			if text.Len()+len(choice.Delta.Content) > maxAnswer {
				return "", u, failure{"length", fmt.Errorf("answer is larger than %d bytes", maxAnswer)}
			}
			text.WriteString(choice.Delta.Content)
			if err := token(choice.Delta.Content); err != nil {
				return "", u, failure{"canceled", err}
			}
		}
	}
	if err := lines.Err(); err != nil {
		return "", u, failure{kindOf(err, "network"), fmt.Errorf("read stream: %w", err)}
	}
	return "", u, failure{"protocol", errors.New("stream ends before [DONE]")}
}

func kindOf(err error, otherwise string) string {
	switch {
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	}
	if t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err); ok && t.Timeout() {
		return "timeout"
	}
	return otherwise
}

func statusKind(status int) string {
	switch {
	case status == http.StatusTooManyRequests:
		return "rate_limit"
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return "credentials"
	case status >= 500:
		return "server"
	default:
		return "request"
	}
}
