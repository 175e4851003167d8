package alertmanager_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestLargeRegularExpressionsAreRefused(t *testing.T) {
	s, _ := run(t, newPeer(t, func(int) int { return http.StatusOK }))
	bomb := strings.Repeat("x{1000}", 1000)
	body, err := json.Marshal(map[string]any{
		"matchers": []any{map[string]any{"name": "a", "value": bomb, "isRegex": true, "isEqual": true}}, "createdBy": "a", "comment": "b",
		"startsAt": time.Now(), "endsAt": time.Now().Add(time.Hour),
	})
	require.NoError(t, err)
	filters := url.Values{"filter": {}}
	for range 100 {
		filters.Add("filter", `a=~"`+strings.Repeat("x{1000}", 10)+`"`)
	}
	for _, r := range []*http.Request{
		httptest.NewRequest(http.MethodGet, "/api/v2/alerts?"+filters.Encode(), nil),
		httptest.NewRequest(http.MethodGet, "/api/v2/silences?filter="+url.QueryEscape(`a=~"`+bomb+`"`), nil),
		httptest.NewRequest(http.MethodGet, "/api/v2/alerts/groups?receiver="+url.QueryEscape(bomb), nil),
		httptest.NewRequest(http.MethodPost, "/api/v2/silences", strings.NewReader(string(body))),
	} {
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		require.Equal(t, http.StatusBadRequest, w.Code, w.Body.String())
		require.Contains(t, w.Body.String(), "repeat more than 500000")
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v2/alerts?filter="+url.QueryEscape(`a=~"b{2,3}.*"`), nil))
	require.Equal(t, http.StatusOK, w.Code, w.Body.String())
}
