package loki

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A query that runs when Loki stops ends before the store is closed; later ones are refused; one that does not end does not prevent the stop.
func TestQueriesEndBeforeLokiStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var gate queryGate
		serve := func(takes time.Duration) int {
			answer := httptest.NewRecorder()
			gate.serve(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(takes) }), answer, httptest.NewRequest(http.MethodGet, "/", nil))
			return answer.Code
		}
		ended := false
		go func() {
			require.Equal(t, http.StatusOK, serve(time.Second))
			ended = true
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), queryGrace)
		defer cancel()
		gate.close(ctx)
		require.True(t, ended)
		require.Equal(t, http.StatusServiceUnavailable, serve(0))

		gate = queryGate{}
		go serve(time.Minute)
		synctest.Wait()
		ctx, cancel = context.WithTimeout(t.Context(), queryGrace)
		defer cancel()
		begin := time.Now()
		gate.close(ctx)
		require.Equal(t, queryGrace, time.Since(begin))
		time.Sleep(time.Minute)
	})
}
