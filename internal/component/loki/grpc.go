package loki

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"

	"github.com/grafana/dskit/httpgrpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// ownProcessOnly are transport credentials that accept only connections from this process. Loki's modules call
// each other by gRPC on loopback without authenticating callers; other users of the machine could read and write
// logs regardless of any role.
type ownProcessOnly struct{}

var _ credentials.TransportCredentials = ownProcessOnly{}

var errStranger = errors.New("only Ausguck itself may call Loki's gRPC port")

// ServerHandshake checks each connection once; no data is exchanged, so that Loki's plain clients can connect.
func (ownProcessOnly) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	own, err := isOwn(conn)
	if err != nil {
		return nil, nil, fmt.Errorf("identify the caller of Loki's gRPC port: %w", err)
	}
	if !own {
		return nil, nil, errStranger
	}
	return conn, plainInfo{credentials.CommonAuthInfo{SecurityLevel: credentials.NoSecurity}}, nil
}

func (ownProcessOnly) ClientHandshake(_ context.Context, _ string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return conn, plainInfo{}, nil
}

func (ownProcessOnly) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "own process"}
}

func (c ownProcessOnly) Clone() credentials.TransportCredentials { return c }

func (ownProcessOnly) OverrideServerName(string) error { return nil }

type plainInfo struct{ credentials.CommonAuthInfo }

func (plainInfo) AuthType() string { return "own process" }

// refusePushesWithoutRoom does for the pushes of other members of a ring what servePush does for those of clients: an ingester
// reports success even if there is no space for the lines in its write-ahead log, and would count for the quorum.
func (s *Server) refusePushesWithoutRoom(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if info.FullMethod != "/logproto.Pusher/Push" {
		return next(ctx, req)
	}
	if err := s.room(); err != nil {
		return nil, httpgrpc.Error(http.StatusInsufficientStorage, err.Error())
	}
	response, err := next(ctx, req)
	if full := s.room(); err == nil && full != nil {
		return nil, httpgrpc.Error(http.StatusInsufficientStorage, full.Error())
	}
	return response, err
}

// isOwn reports whether the other end of a loopback connection is a socket of this process: the kernel's table
// contains the inode of the socket that has our addresses in reverse.
func isOwn(conn net.Conn) (bool, error) {
	local, lok := conn.LocalAddr().(*net.TCPAddr)
	remote, rok := conn.RemoteAddr().(*net.TCPAddr)
	if !lok || !rok {
		return false, fmt.Errorf("%s is not a TCP connection", conn.RemoteAddr())
	}
	inode, err := socketInode(remote.Port, local.Port)
	if err != nil || inode == "" {
		return false, err
	}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return false, err
	}
	for _, fd := range fds {
		if target, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && target == "socket:["+inode+"]" {
			return true, nil
		}
	}
	return false, nil
}

// socketInode finds the socket on 127.0.0.1 that is bound to one port and connected to the other.
func socketInode(port, peer int) (string, error) {
	table, err := os.ReadFile("/proc/self/net/tcp")
	if err != nil {
		return "", err
	}
	const local, remote, inode = 1, 2, 9 // columns
	for line := range strings.Lines(string(table)) {
		f := strings.Fields(line)
		if len(f) > inode && hexPort(f[local]) == port && hexPort(f[remote]) == peer {
			return f[inode], nil
		}
	}
	return "", nil
}

func hexPort(address string) int {
	_, hex, _ := strings.Cut(address, ":")
	port, err := strconv.ParseUint(hex, 16, 16)
	if err != nil {
		return -1
	}
	return int(port)
}
