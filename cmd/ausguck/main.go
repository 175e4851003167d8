package main

import (
	_ "github.com/KimMachineGun/automemlimit/memlimit"
	_ "github.com/alecthomas/kingpin/v2"
	_ "github.com/google/cadvisor/container/docker/install"
	_ "github.com/google/cadvisor/container/podman/install"
	_ "github.com/google/cadvisor/lib/fs/overlay/install"
	_ "github.com/google/cadvisor/lib/fs/vfs/install"
	_ "github.com/google/cadvisor/lib/manager"
	_ "github.com/google/cadvisor/lib/metrics"
	_ "github.com/prometheus/node_exporter/collector"
	_ "github.com/prometheus/prometheus/discovery/consul"
	_ "github.com/prometheus/prometheus/discovery/dns"
	_ "github.com/prometheus/prometheus/discovery/file"
	_ "github.com/prometheus/prometheus/discovery/http"
	_ "github.com/prometheus/prometheus/discovery/kubernetes"
	_ "github.com/prometheus/prometheus/discovery/moby"
	_ "github.com/prometheus/prometheus/web"
	_ "go.uber.org/automaxprocs/maxprocs"
	_ "k8s.io/klog/v2"
)

func main() {}
