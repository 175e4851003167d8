// Package dsquery queries Prometheus and Loki as Grafana's query API does and returns Grafana data frames.
//
// It knows nothing about data source configuration or permissions: the dashboards part passes it a Source to query.
// Only that part imports it.
package dsquery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/ausguck/ausguck/internal/bounds"
)

// Query is one query of a request, with the fields of Grafana's Prometheus and Loki queries.
type Query struct {
	RefID         string          `json:"refId"`
	Hide          bool            `json:"hide"`
	Expr          string          `json:"expr"`
	Range         *bool           `json:"range"`
	Instant       bool            `json:"instant"`
	Exemplar      bool            `json:"exemplar"`
	Format        string          `json:"format"`
	LegendFormat  string          `json:"legendFormat"`
	Interval      string          `json:"interval"`
	IntervalMs    float64         `json:"intervalMs"`
	Factor        float64         `json:"intervalFactor"`
	MaxDataPoints float64         `json:"maxDataPoints"`
	QueryType     string          `json:"queryType"`
	MaxLines      json.Number     `json:"maxLines"`
	Direction     string          `json:"direction"`
	Step          string          `json:"step"`
	Resolution    float64         `json:"resolution"`
	UTCOffset     int64           `json:"utcOffsetSec"`
	Datasource    json.RawMessage `json:"datasource"`
	DatasourceID  int64           `json:"datasourceId"`
	TimeRange     *struct {
		From string `json:"from"`
		To   string `json:"to"`
	} `json:"timeRange"`

	// OneOfTables is set if several queries of the request return tables: the value columns then include the refId.
	OneOfTables bool `json:"-"`
}

// UnmarshalJSON accepts queries from ten years of dashboards: numbers and booleans may be strings, and strings may be
// numbers. Values that cannot be converted are treated as missing.
func (q *Query) UnmarshalJSON(data []byte) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	for t, i := reflect.TypeFor[Query](), 0; i < t.NumField(); i++ {
		name := t.Field(i).Tag.Get("json")
		if value, ok := raw[name]; ok {
			raw[name] = coerced(t.Field(i).Type, value)
		}
	}
	whole, err := json.Marshal(raw)
	if err != nil {
		return err
	}
	type plain Query
	return json.Unmarshal(whole, (*plain)(q))
}

// coerced converts value to the type, or to null if that is impossible.
func coerced(t reflect.Type, value json.RawMessage) json.RawMessage {
	null := json.RawMessage("null")
	var v any
	if json.Unmarshal(value, &v) != nil {
		return null
	}
	text, isText := v.(string)
	_, isNumber := v.(float64)
	_, isBool := v.(bool)
	switch {
	case t == reflect.TypeFor[json.Number](), t.Kind() == reflect.Float64, t.Kind() == reflect.Int64:
		if isText {
			value = json.RawMessage(strings.TrimSpace(text))
			_, err := strconv.ParseFloat(string(value), 64)
			isNumber = err == nil && json.Valid(value)
		}
		if !isNumber {
			return null
		}
	case t.Kind() == reflect.String:
		if isNumber || isBool {
			return json.RawMessage(strconv.Quote(string(value)))
		}
		if !isText {
			return null
		}
	case t.Kind() == reflect.Bool || t == reflect.TypeFor[*bool]():
		if isText && (text == "true" || text == "false") {
			return json.RawMessage(text)
		}
		if !isBool {
			return null
		}
	}
	return value
}

// Source is the server to query.
type Source struct {
	// Type is prometheus or loki.
	Type string
	// Do sends one API call; path is relative to the server's URL. This package closes the response body.
	Do func(ctx context.Context, path string, form url.Values) (*http.Response, error)
	// TimeInterval is the scrape interval of the server, such as 15s, which is the default.
	TimeInterval string
	// Engine is the server and Ranges caches its results of range queries; both are nil for a server that does not
	// report what changes.
	Engine Engine
	Ranges *Ranges
	// MaxLines is the maximum number of log lines to request; 0 means 1000.
	MaxLines int
}

// Response is the response to one query.
type Response struct {
	Status      int      `json:"status"`
	Error       string   `json:"error,omitempty"`
	ErrorSource string   `json:"errorSource,omitempty"`
	Frames      []*Frame `json:"frames,omitempty"`
}

// Fail returns the response to a query that failed.
func Fail(status int, err error) Response {
	return Response{Status: status, Error: err.Error(), ErrorSource: "downstream"}
}

// Run executes the query for the given time range.
func Run(ctx context.Context, src Source, q Query, from, to time.Time) Response {
	if q.Expr == "" {
		return Fail(http.StatusBadRequest, errors.New("expr: required; the query is empty"))
	}
	if len(q.Expr) > bounds.MaxQueryBytes { // before variables expand it and it is sent in a URL
		return Fail(http.StatusBadRequest, fmt.Errorf("expr: the query is longer than %d bytes", bounds.MaxQueryBytes))
	}
	var frames []*Frame
	var err error
	switch src.Type {
	case "prometheus":
		frames, err = prometheus(ctx, src, q, from, to)
	case "loki":
		frames, err = loki(ctx, src, q, from, to)
	default:
		return Fail(http.StatusBadRequest, fmt.Errorf("a datasource of type %s cannot be queried", src.Type))
	}
	if err != nil {
		var refused *refusal
		switch {
		case errors.As(err, &refused):
			return Fail(refused.status, err)
		case errors.Is(err, context.DeadlineExceeded):
			return Fail(http.StatusGatewayTimeout, errors.New("the query took longer than the timeout"))
		}
		return Fail(http.StatusBadGateway, err)
	}
	for _, f := range frames {
		f.RefID = q.RefID
	}
	return Response{Status: http.StatusOK, Frames: frames}
}

// refusal is an error returned by the server.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

// maxAnswer limits the size of one query's response, in bytes.
const maxAnswer = 128 << 20

// apiAnswer is a response of Prometheus or Loki.
type apiAnswer struct {
	Status    string          `json:"status"`
	Data      json.RawMessage `json:"data"`
	ErrorType string          `json:"errorType"`
	Error     string          `json:"error"`
	Warnings  []string        `json:"warnings"`
	Infos     []string        `json:"infos"`
}

func ask(ctx context.Context, src Source, path string, form url.Values) (*apiAnswer, error) {
	res, err := src.Do(ctx, path, form)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return nil, err
	case len(body) > maxAnswer:
		return nil, &refusal{http.StatusBadRequest, fmt.Sprintf("the response is larger than %d MiB; reduce the time range or the number of series", maxAnswer>>20)}
	}
	var a apiAnswer
	if err := json.Unmarshal(body, &a); err != nil || a.Status == "" {
		if res.StatusCode/100 == 2 {
			return nil, fmt.Errorf("the response is not from the %s API", src.Type)
		}
		return nil, &refusal{clientStatus(res.StatusCode), fmt.Sprintf("%s: %s", res.Status, firstLine(body))}
	}
	if a.Status != "success" {
		return nil, &refusal{clientStatus(res.StatusCode), a.ErrorType + ": " + a.Error}
	}
	return &a, nil
}

// clientStatus prevents a 401 from the server from looking like the end of the caller's own session.
func clientStatus(status int) int {
	if status == http.StatusUnauthorized || status == http.StatusForbidden || status < 400 {
		return http.StatusBadGateway
	}
	return status
}

func firstLine(b []byte) string {
	const limit = 300
	for i, c := range b {
		if c == '\n' || i == limit {
			return string(b[:i])
		}
	}
	return string(b)
}

// notices returns the server's warnings and infos as notices to show on the panel.
func (a *apiAnswer) notices() []any {
	var out []any
	for _, w := range a.Warnings {
		out = append(out, map[string]any{"severity": "warning", "text": w})
	}
	for _, i := range a.Infos {
		out = append(out, map[string]any{"severity": "info", "text": i})
	}
	return out
}
