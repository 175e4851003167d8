package bounds

import (
	"io"
	"net/http"
)

// Head reads the body of a request to its end and returns its first n bytes. It keeps nothing else, so it is for handlers that are
// open to everybody, which no Guard protects. The error is an *http.MaxBytesError if the body is larger than any that is not
// pushed data may be.
func Head(w http.ResponseWriter, r *http.Request, n int64) ([]byte, error) {
	if r.ContentLength > maxBody {
		return nil, &http.MaxBytesError{Limit: maxBody}
	}
	body := http.MaxBytesReader(w, r.Body, maxBody)
	kept, err := io.ReadAll(io.LimitReader(body, n))
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, body)
	return kept, err
}
