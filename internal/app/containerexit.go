package app

import (
	"fmt"
	"time"

	"github.com/ausguck/ausguck/internal/dockerhost"
)

// explainStopped explains why a container is not running, and so cannot be scraped.
func explainStopped(v *containerView, c dockerhost.Container) {
	v.State = "exited"
	switch c.State {
	case "restarting":
		explainCrashes(v, c)
		return
	case "created":
		v.Reason = "It was created and never started, so it is not scraped."
		v.Remedy = "docker start " + c.Name
		v.Exit = nil
		if c.Error != "" {
			v.Reason = fmt.Sprintf("Docker could not start it: %s.", c.Error)
			v.Remedy = "Fix the cause, then run: docker start " + c.Name
		}
		return
	}
	v.Reason = fmt.Sprintf("It exited with %s, %s%s, so it is not scraped.", exitText(c), since(c.Finished), policyText(c))
	switch {
	case c.OOMKilled:
		v.Remedy = "Give it more memory: a higher mem_limit in its compose file, or docker update --memory; then: docker start " + c.Name
	case c.ExitCode == 0:
		v.Remedy = "If it has completed its work, no action is needed. If it should be running: docker start " + c.Name + ", and restart: unless-stopped in its compose file."
	default:
		v.Remedy = exitRemedy(c) + " Start it again with: docker start " + c.Name
	}
}

// crashing is how long a container must run after a restart before it counts as running.
const crashing = 30 * time.Second

// explainCrashes reports that the engine keeps restarting a container, regardless of any other problem.
func explainCrashes(v *containerView, c dockerhost.Container) {
	if c.State != "restarting" && (c.RestartCount == 0 || time.Since(c.Started) > crashing) {
		return
	}
	v.State, v.Lines = "restarting", ""
	times := "once"
	if c.RestartCount != 1 {
		times = fmt.Sprintf("%d times", c.RestartCount)
	}
	v.Reason = fmt.Sprintf("It is in a restart loop: Docker has restarted it %s.", times)
	if v.Exit != nil {
		v.Reason += fmt.Sprintf(" It last exited with %s, %s.", exitText(c), since(c.Finished))
	}
	if v.Remedy = exitRemedy(c); c.OOMKilled {
		v.Remedy = "Give it more memory: a higher mem_limit in its compose file, or docker update --memory."
	}
}

func exitText(c dockerhost.Container) string {
	if c.OOMKilled {
		return fmt.Sprintf("code %d (out of memory)", c.ExitCode)
	}
	if means := exitMeans[c.ExitCode]; means != "" {
		return fmt.Sprintf("code %d (%s)", c.ExitCode, means)
	}
	return fmt.Sprintf("code %d", c.ExitCode)
}

var exitMeans = map[int]string{
	125: "Docker could not run it", 126: "its command cannot be executed", 127: "its command was not found",
	134: "aborted", 137: "killed", 139: "segmentation fault", 143: "terminated",
}

func exitRemedy(c dockerhost.Container) string {
	switch c.ExitCode {
	case 126, 127:
		return "Check command and entrypoint: the file must be in the image and executable."
	case 0:
		return "Its command exits without an error: a service must stay in the foreground."
	}
	return fmt.Sprintf("Its log shows the reason: docker logs --tail 50 %s", c.Name) + "."
}

func policyText(c dockerhost.Container) string {
	switch c.RestartPolicy {
	case "no", "":
		return ", and no restart policy starts it again"
	case "on-failure":
		if c.RestartCount > 0 {
			return fmt.Sprintf(", and on-failure gave up after %d restarts", c.RestartCount)
		}
		return ""
	}
	return ", and whoever stopped it has to start it again"
}
