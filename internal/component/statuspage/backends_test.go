package statuspage

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSingleValues(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		data   string
		value  float64
		known  bool
		err    string
	}{
		"a series":     {200, `{"resultType": "vector", "result": [{"metric": {"a": "b"}, "value": [1.5, "0.25"]}]}`, 0.25, true, ""},
		"a scalar":     {200, `{"resultType": "scalar", "result": [1.5, "3"]}`, 3, true, ""},
		"no series":    {200, `{"resultType": "vector", "result": []}`, 0, false, ""},
		"two series":   {200, `{"resultType": "vector", "result": [{"value": [1, "1"]}, {"value": [1, "2"]}]}`, 0, false, "2 series"},
		"a string":     {200, `{"resultType": "string", "result": [1, "up"]}`, 0, false, "no single value"},
		"a histogram":  {200, `{"resultType": "vector", "result": [{"histogram": [1, {}]}]}`, 0, false, "invalid syntax"},
		"no JSON":      {200, `<html>`, 0, false, "invalid character"},
		"a bad status": {503, `"away"`, 0, false, "status 503"},
	} {
		t.Run(name, func(t *testing.T) {
			var asked string
			query := QueryOf(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked = r.FormValue("query") + " at " + r.FormValue("time")
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, `{"status": "success", "data": `+tt.data+`}`)
			}))
			value, known, err := query(t.Context(), `up{job="a"}`, time.UnixMilli(1234))
			require.Equal(t, `up{job="a"} at 1.234`, asked)
			if tt.err != "" {
				require.ErrorContains(t, err, tt.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tt.known, known)
			require.InDelta(t, tt.value, value, 0)
		})
	}
}

func TestSilencesOfMaintenance(t *testing.T) {
	var asked []string
	silence, unsilence := SilencesOf(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		asked = append(asked, r.Method+" "+r.URL.EscapedPath()+" "+string(body))
		if r.Method == http.MethodPost {
			_, _ = io.WriteString(w, `{"silenceID": "a/b"}`)
		}
	}))
	at := time.Date(2026, 11, 30, 1, 0, 0, 0, time.UTC)
	id, err := silence(t.Context(), Event{Title: "Move", Starts: at, Ends: at.Add(time.Hour)}, []Matcher{{"job", "a"}}, "anna")
	require.NoError(t, err)
	require.NoError(t, unsilence(t.Context(), id))
	require.Equal(t, []string{
		`POST /api/v2/silences {"comment":"Maintenance: Move","createdBy":"anna","endsAt":"2026-11-30T02:00:00Z",` +
			`"matchers":[{"name":"job","value":"a","isEqual":true,"isRegex":false}],"startsAt":"2026-11-30T01:00:00Z"}`,
		"DELETE /api/v2/silence/a%2Fb ",
	}, asked)
}
