// Package config reads the settings of the server from the environment.
package config

import (
	"net"
	"os"
	"path/filepath"
)

// Listen is the address that the server binds.
func Listen() string {
	if addr := os.Getenv("MINI_LISTEN__HTTP"); addr != "" {
		return addr
	}
	return "0.0.0.0:9000"
}

// Local is the address at which a program on the same machine reaches the server.
func Local() string {
	host, port, err := net.SplitHostPort(Listen())
	if err != nil || host == "" || net.ParseIP(host).IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// Socket is where the backend listens.
func Socket() string {
	return filepath.Join(os.TempDir(), "mini-core.sock")
}
