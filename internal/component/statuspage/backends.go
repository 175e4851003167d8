package statuspage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/ausguck/ausguck/internal/inproc"
)

// QueryOf returns Options.Query by the HTTP API of a Prometheus in this process.
func QueryOf(prometheus http.Handler) func(ctx context.Context, expr string, at time.Time) (value float64, known bool, err error) {
	return func(ctx context.Context, expr string, at time.Time) (float64, bool, error) {
		q := url.Values{"query": {expr}, "time": {strconv.FormatFloat(float64(at.UnixMilli())/1e3, 'f', 3, 64)}}
		text, err := call(ctx, prometheus, http.MethodGet, "/api/v1/query?"+q.Encode(), nil)
		if err != nil {
			return 0, false, err
		}
		return single(text)
	}
}

// sample is a time and a value of Prometheus's API.
type sample [2]any

// single returns the value of the only series in the response to an instant query.
func single(text []byte) (value float64, known bool, err error) {
	var answer struct {
		Data struct {
			Type   string          `json:"resultType"`
			Result json.RawMessage `json:"result"`
		} `json:"data"`
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return 0, false, err
	}
	var one sample
	if answer.Data.Type == "scalar" {
		err = json.Unmarshal(answer.Data.Result, &one)
	} else {
		var series []struct {
			Value sample `json:"value"`
		}
		if err := json.Unmarshal(answer.Data.Result, &series); err != nil {
			return 0, false, fmt.Errorf("the expression has no single value: %w", err)
		}
		switch len(series) {
		case 0:
			return 0, false, nil
		case 1:
			one = series[0].Value
		default:
			return 0, false, fmt.Errorf("the expression has %d series, and not one", len(series))
		}
	}
	if err != nil {
		return 0, false, err
	}
	number, _ := one[1].(string)
	value, err = strconv.ParseFloat(number, 64)
	return value, err == nil, err
}

// SilencesOf returns Options.Silence and Options.Unsilence by the HTTP API of an Alertmanager in this process.
func SilencesOf(alertmanager http.Handler) (
	silence func(ctx context.Context, e Event, matchers []Matcher, by string) (id string, err error),
	unsilence func(ctx context.Context, id string) error,
) {
	type matcher struct {
		Name    string `json:"name"`
		Value   string `json:"value"`
		IsEqual bool   `json:"isEqual"`
		IsRegex bool   `json:"isRegex"`
	}
	silence = func(ctx context.Context, e Event, matchers []Matcher, by string) (string, error) {
		var equal []matcher
		for _, m := range matchers {
			equal = append(equal, matcher{m.Name, m.Value, true, false})
		}
		text, err := call(ctx, alertmanager, http.MethodPost, "/api/v2/silences", map[string]any{
			"matchers": equal, "startsAt": e.Starts, "endsAt": e.Ends, "createdBy": by, "comment": "Maintenance: " + e.Title,
		})
		if err != nil {
			return "", err
		}
		var created struct {
			ID string `json:"silenceID"`
		}
		return created.ID, json.Unmarshal(text, &created)
	}
	unsilence = func(ctx context.Context, id string) error {
		_, err := call(ctx, alertmanager, http.MethodDelete, "/api/v2/silence/"+url.PathEscape(id), nil)
		return err
	}
	return silence, unsilence
}

// call sends a request to a handler of this process and returns the body of a successful response.
func call(ctx context.Context, h http.Handler, method, path string, body any) (_ []byte, err error) {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://inside"+path, content)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := inproc.Call(h, r)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode/100 != 2 {
		err = fmt.Errorf("status %d: %s", response.StatusCode, bytes.TrimSpace(text))
	}
	return text, err
}
