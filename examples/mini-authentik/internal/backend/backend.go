// Package backend runs the Python application as a child process behind a unix socket.
package backend

import (
	"context"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Backend is the running child.
type Backend struct {
	cmd    *exec.Cmd
	client *http.Client
	socket string
	done   chan struct{}
	err    error
}

// Start starts the application; uvicorn is found on PATH, the application in the working folder.
func Start(socket string) (*Backend, error) {
	if err := os.Remove(socket); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	cmd := exec.Command("uvicorn", "--uds", socket, "--no-access-log", "--log-config", "./lifecycle/logging.json", "mini.asgi:application")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	b := &Backend{cmd: cmd, socket: socket, done: make(chan struct{})}
	b.client = &http.Client{Timeout: 5 * time.Second, Transport: b.transport()}
	go func() {
		b.err = cmd.Wait()
		close(b.done)
	}()
	return b, nil
}

func (b *Backend) transport() *http.Transport {
	return &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", b.socket)
	}}
}

// Done is closed when the child has ended; Err then says how.
func (b *Backend) Done() <-chan struct{} { return b.done }

// Err is what the child ended with.
func (b *Backend) Err() error { return b.err }

// Stop asks the child to end, and makes it end if it does not.
func (b *Backend) Stop() {
	_ = b.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-b.done:
	case <-time.After(5 * time.Second):
		_ = b.cmd.Process.Kill()
	}
}

// Ready says whether the application answers, and with a working database.
func (b *Backend) Ready() bool {
	res, err := b.client.Get("http://backend/-/health/ready/")
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// Proxy passes requests on to the child.
func (b *Backend) Proxy() http.Handler {
	return &httputil.ReverseProxy{
		Transport: b.transport(),
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", "backend"
			r.Out.Host = r.In.Host
			r.SetXForwarded()
		},
	}
}
