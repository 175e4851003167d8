package alertmanager

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"

	"github.com/ausguck/ausguck/internal/bounds"
)

// maxSilence bounds the size of a silence in a request; upstream reads bodies of any size.
const maxSilence = 1 << 20

// bounded rejects regular expressions that use up all memory when compiled: `x{1000}` is a thousand times as large
// as it looks. The API's filter and receiver parameters are regular expressions, as are the matchers of silences.
func bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q bounds.Query
		for _, values := range r.URL.Query() {
			for _, v := range values {
				if err := q.Regexp(v); err != nil {
					refuse(w, http.StatusBadRequest, "%s", err)
					return
				}
			}
		}
		if r.Method == http.MethodPost && strings.HasSuffix(strings.TrimRight(r.URL.Path, "/"), "/silences") {
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSilence))
			if err != nil {
				refuse(w, http.StatusRequestEntityTooLarge, "a silence is read up to 1 MiB: %s", err)
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			var silence struct {
				Matchers []struct{ Value string }
			}
			_ = json.Unmarshal(body, &silence) // upstream reports what is wrong with it
			for _, m := range silence.Matchers {
				if err := q.Regexp(m.Value); err != nil {
					refuse(w, http.StatusBadRequest, "%s", err)
					return
				}
			}
		}
		next.ServeHTTP(w, r)
	})
}
