package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// serviceAccount creates a service account with a role, and returns its ID and a token.
func (s *server) serviceAccount(t *testing.T, name, role string) (id, token string) {
	t.Helper()
	var account struct{ ID json.Number }
	status, body := s.do(t, http.MethodPost, "/api/serviceaccounts", nil, fmt.Sprintf(`{"name":%q,"role":%q}`, name, role))
	require.Equal(t, http.StatusCreated, status, body)
	require.NoError(t, json.Unmarshal([]byte(body), &account))
	var made struct{ Key string }
	status, body = s.do(t, http.MethodPost, "/api/serviceaccounts/"+account.ID.String()+"/tokens", nil, `{"name":"one"}`)
	require.Equal(t, http.StatusOK, status, body)
	require.NoError(t, json.Unmarshal([]byte(body), &made))
	return account.ID.String(), made.Key
}

func TestTokensOfMachines(t *testing.T) {
	t.Parallel()
	storage := t.TempDir()
	s := startAusguck(t, t.TempDir(), storage, metricsOnly...)
	account, token := s.serviceAccount(t, "ci", "Viewer")
	bearer := map[string]string{"Authorization": "Bearer " + token}
	status, _ := s.do(t, http.MethodGet, "/api/v1/query?query=1", bearer, "")
	require.Equal(t, http.StatusOK, status)
	for body, want := range map[string]int{`{"name":"two","secondsToLive":1}`: http.StatusOK, `{"name":"three","secondsToLive":-1}`: http.StatusBadRequest} {
		var short struct{ Key string }
		status, answer := s.do(t, http.MethodPost, "/api/serviceaccounts/"+account+"/tokens", nil, body)
		require.Equal(t, want, status, answer)
		if want != http.StatusOK {
			continue
		}
		require.NoError(t, json.Unmarshal([]byte(answer), &short))
		eventually(t, readyTimeout, func() error {
			status, _ := s.do(t, http.MethodGet, "/api/v1/query?query=1", map[string]string{"Authorization": "Bearer " + short.Key}, "")
			return errUnless(status == http.StatusUnauthorized, "the token that is valid for a second is let in: %d", status)
		})
	}
	s.stop(t)
	s = startAusguck(t, t.TempDir(), storage, metricsOnly...)
	status, _ = s.do(t, http.MethodGet, "/api/v1/query?query=1", bearer, "")
	require.Equal(t, http.StatusOK, status, "after a restart")
	status, _ = s.do(t, http.MethodGet, "/api/v1/query?query=1", map[string]string{"Authorization": "Bearer " + token + "x"}, "")
	require.Equal(t, http.StatusUnauthorized, status)
	code, report := runToEnd(t, stockBinary(t, "promtool"), "query", "instant", urlOf("api_key", token, s.address), "vector(7)")
	require.Zero(t, code, report)
	require.Contains(t, report, "=> 7")
	code, report = runToEnd(t, stockBinary(t, "promtool"), "query", "instant", "http://"+s.address, "vector(7)")
	require.NotZero(t, code, report)
	s.stop(t)
}
