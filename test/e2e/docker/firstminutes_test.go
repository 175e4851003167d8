package docker_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/client"
	"github.com/stretchr/testify/require"
)

// The time on a machine without Ausguck, with the image as a file, until everything that a new user looks for is
// available, using the commands of docs/install.md and docs/alerting.md as printed. The time a person needs to read,
// type and edit is not included.
func TestFirstMinutes(t *testing.T) {
	r := newReader(t, composeTools[0])
	t.Cleanup(r.down)
	images, err := docker.cli.ImageList(t.Context(), client.ImageListOptions{Filters: make(client.Filters).Add("reference", "ausguck")})
	require.NoError(t, err)
	for _, i := range images.Items {
		_, err := docker.cli.ImageRemove(t.Context(), i.ID, client.ImageRemoveOptions{Force: true})
		require.NoError(t, err)
	}
	install := blockOf(t, "docs/install.md", "docker load")
	commands := strings.Count(install, "\n") + 1
	require.LessOrEqual(t, commands, 3)

	begun := time.Now()
	figure := func(what string, commands int, since time.Time) {
		t.Attr("figure", fmt.Sprintf("%s: commands %d, seconds %.1f", what, commands, time.Since(since).Seconds()))
	}
	r.must(install)
	figure("the container is started", commands, begun)
	within(t, time.Minute, "the page", func() error {
		resp, err := http.Get("http://127.0.0.1:3000/login")
		if err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK {
			err = errors.New(resp.Status)
		}
		return errors.Join(err, resp.Body.Close())
	})
	figure("the page", commands, begun)
	a := r.container()
	within(t, time.Minute, "a target", func() error { return a.some("up") })
	figure("the first graph of the Overview (Targets over time)", commands, begun)
	within(t, time.Minute, "own logs", func() error {
		n, err := a.logLines("agent-ausguck")
		if err == nil && n == 0 {
			err = errors.New("no lines of the container")
		}
		return err
	})
	figure("log lines of the containers that run", commands, begun)
	within(t, time.Minute, "the host", func() error { return a.some("node_memory_MemAvailable_bytes") })
	figure("memory and disks of the host", commands, begun)
	within(t, time.Minute, "containers", func() error {
		return a.some(`container_memory_working_set_bytes{name="agent-ausguck"} and on() count(up == 1) > 2`)
	})
	figure("the containers, and every target", commands, begun)
	within(t, 2*time.Minute, "a rate", func() error { return a.some(`rate(node_cpu_seconds_total{mode="idle"}[1m])`) })
	figure("the first rate (CPU), after two scrapes", commands, begun)

	serviced := time.Now()
	r.must("docker run -d --name shop --network code-agent --label prometheus.io/scrape=true --expose 8080 --env LOG_RATE=10 --label " + ownsLabel + "=shop " + image)
	t.Cleanup(func() { remove(t, docker, "shop") })
	within(t, time.Minute, "own logs", func() error {
		n, err := a.logLines("shop")
		if err == nil && n == 0 {
			err = errors.New("no lines of shop")
		}
		return err
	})
	figure("log lines of an own service, from its start", 1, serviced)
	within(t, 2*time.Minute, "own service", func() error { return a.some(`up{job="shop"} == 1 or up{container="shop"} == 1`) })
	figure("an own service is scraped, from its start", 1, serviced)

	r.startSlack()
	notified := time.Now()
	r.must(blockOf(t, "docs/alerting.md", `echo "$WEBHOOK_URL"`))
	r.configureSlack() // the work in an editor
	r.slackAnswers(r.must(blockOf(t, "docs/alerting.md", "docker exec agent-ausguck /ausguck notify-test")))
	figure("a test notification is in Slack, from the webhook's URL, with one edit of alertmanager.yml", 2, notified)
	within(t, time.Minute, "the running Ausguck uses the file", func() error {
		out, err := a.get("/api/v2/receivers")
		if err == nil && !strings.Contains(out, `"team"`) {
			err = fmt.Errorf("there are %s", out)
		}
		return err
	})
	figure("alerts go to Slack, without a restart", 2, notified)
	figure("all of it", commands+3, begun)
}

// blockOf returns the command in a page that begins this way.
func blockOf(t *testing.T, page, begins string) string {
	t.Helper()
	commands, _ := commandsOf(t, root+"/"+page)
	for _, c := range commands {
		if strings.HasPrefix(c.text, begins) {
			return c.text
		}
	}
	require.Fail(t, "no such command", "%s in %s", begins, page)
	return ""
}
