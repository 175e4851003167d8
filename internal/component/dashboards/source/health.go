package source

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/ausguck/ausguck/internal/grafana"
)

// healthChecks are the cheapest requests that show whether a data source responds as its type should.
var healthChecks = map[string]struct {
	path    string
	form    url.Values
	expect  string // in the response
	healthy string // the message if it is healthy, as in Grafana
}{
	typePrometheus:   {"api/v1/query", url.Values{"query": {"1+1"}}, `"success"`, "Successfully queried the Prometheus API."},
	typeLoki:         {"loki/api/v1/query", url.Values{"query": {"vector(1)+vector(1)"}}, `"success"`, "Data source successfully connected."},
	typeAlertmanager: {"api/v2/status", url.Values{}, `"versionInfo"`, "Health check passed."},
}

// health queries the server and returns its status: 200 with OK, or 400 with ERROR and the reason.
func (s settingsAPI) health(w http.ResponseWriter, r *http.Request, _ grafana.Caller) error {
	d, err := s.named(r)
	if err != nil {
		return err
	}
	check, ok := healthChecks[d.Type]
	if !ok {
		return grafana.Fail(http.StatusNotFound, "Data sources of type %s cannot be checked", d.Type)
	}
	if err := s.asker.checkHealth(r, d); err != nil {
		return grafana.Reply(w, http.StatusBadRequest, map[string]any{"status": "ERROR", "message": err.Error()})
	}
	return grafana.OK(w, map[string]any{"status": "OK", "message": check.healthy})
}

func (a *asker) checkHealth(r *http.Request, d *Datasource) error {
	client, err := a.client(d, r)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), client.timeout)
	defer cancel()
	check := healthChecks[d.Type]
	res, err := a.call(ctx, client, http.MethodGet, check.path, check.form)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	switch {
	case err != nil:
		return fmt.Errorf("datasource %s at %s: %w", d.Name, redactURL(d.URL), err)
	case res.StatusCode != http.StatusOK:
		return fmt.Errorf("%s at %s answered %s", d.Name, redactURL(d.URL), res.Status)
	case !strings.Contains(string(body), check.expect):
		return fmt.Errorf("%s answered, but not as the %s API does; check the URL", redactURL(d.URL), pluginName(d.Type))
	}
	return nil
}
