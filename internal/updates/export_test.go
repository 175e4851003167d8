package updates

import "net/http"

// SetTransport replaces the network.
func SetTransport(s *Source, t http.RoundTripper) { s.client.Transport = t }
