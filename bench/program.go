package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// program is a started process of one of the sides.
type program struct {
	name    string
	cmd     *exec.Cmd
	log     *os.File
	started time.Time
	ready   []sign
}

// sign is a page that returns 200 and contains a text as soon as the program does that part of its work.
type sign struct {
	url, text string
}

// adminPassword is Ausguck's; the stock programs require none.
const adminPassword = "bench"

// start executes a program; its output goes to a file in dir.
func start(ctx context.Context, dir, name string, ready []sign, path string, args ...string) (*program, error) {
	log, err := os.Create(filepath.Join(dir, name+".log"))
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), "GF_SECURITY_ADMIN_PASSWORD="+adminPassword)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p := &program{name: name, cmd: cmd, log: log, started: time.Now(), ready: ready}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return p, nil
}

// stop signals the program to stop, waits for it and returns how long that took.
func (p *program) stop() (time.Duration, error) {
	begin := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, fmt.Errorf("stop %s: %w", p.name, err)
	}
	if err := p.cmd.Wait(); err != nil && p.cmd.ProcessState.ExitCode() > 0 {
		return 0, fmt.Errorf("%s ended with an error, see %s: %w", p.name, p.log.Name(), err)
	}
	return time.Since(begin), p.log.Close()
}

// waitReady waits for all signs and returns the times from the start to the first and to the last of them.
func (p *program) waitReady(ctx context.Context) (first, last time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for i := 0; i < len(p.ready); {
		if p.ready[i].shows(ctx) {
			last = time.Since(p.started)
			if i == 0 {
				first = last
			}
			i++
			continue
		}
		select {
		case <-ctx.Done():
			return 0, 0, fmt.Errorf("%s shows no %v, see %s: %w", p.name, p.ready[i], p.log.Name(), ctx.Err())
		case <-tick.C:
		}
	}
	return first, last, nil
}

func (s sign) shows(ctx context.Context) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	return err == nil && response.StatusCode == http.StatusOK && strings.Contains(string(page), s.text)
}

// clockTicks is the number of ticks per second in /proc/PID/stat, which is constant on all architectures of Linux.
const clockTicks = 100

// cpuSeconds returns the CPU time of the process, in user and kernel mode.
func (p *program) cpuSeconds() (float64, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	return parseCPU(string(stat))
}

// parseCPU parses utime and stime, fields 14 and 15; the name in field 2 may contain spaces.
func parseCPU(stat string) (float64, error) {
	_, fields, found := strings.Cut(stat, ") ")
	values := strings.Fields(fields)
	if !found || len(values) < 13 {
		return 0, fmt.Errorf("parse process statistics %q", stat)
	}
	user, err := strconv.ParseUint(values[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseUint(values[12], 10, 64)
	if err != nil {
		return 0, err
	}
	return float64(user+system) / clockTicks, nil
}

// memory is the resident memory of a process in bytes.
type memory struct {
	// RSS includes every resident page, also those of the program file, which the kernel can drop and read again.
	RSS uint64
	// Anonymous only includes pages that are private to this process: its heap and stacks.
	Anonymous uint64
}

func (p *program) memory() (memory, error) {
	rollup, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", p.cmd.Process.Pid))
	if err != nil {
		return memory{}, err
	}
	return parseMemory(string(rollup))
}

func parseMemory(rollup string) (memory, error) {
	var m memory
	for lines := bufio.NewScanner(strings.NewReader(rollup)); lines.Scan(); {
		name, text, _ := strings.Cut(lines.Text(), ":")
		target := map[string]*uint64{"Rss": &m.RSS, "Anonymous": &m.Anonymous}[name]
		if target == nil {
			continue
		}
		kilobytes, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(text), " kB"), 10, 64)
		if err != nil {
			return memory{}, fmt.Errorf("parse %s: %w", name, err)
		}
		*target = kilobytes << 10
	}
	if m.RSS == 0 || m.Anonymous == 0 {
		return memory{}, fmt.Errorf("no resident memory in %q", rollup)
	}
	return m, nil
}

// freeAddress returns an unused loopback address.
func freeAddress() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// startLoad runs this program again as server of the load and returns its addresses.
func startLoad(ctx context.Context, l load) (*exec.Cmd, []string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.CommandContext(ctx, self, "-serve-load",
		"-series="+strconv.Itoa(l.Series), "-targets="+strconv.Itoa(l.Targets))
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, fmt.Errorf("start the load: %w", err)
	}
	var addresses []string
	if err := json.NewDecoder(out).Decode(&addresses); err != nil {
		return nil, nil, fmt.Errorf("read the addresses of the load: %w", err)
	}
	return cmd, addresses, nil
}
