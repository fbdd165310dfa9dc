// Command server is the program in front: it serves the built pages, starts the backend, and passes
// everything else on to it.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"mini.example/api/v3"
	"mini.example/server/internal/backend"
	"mini.example/server/internal/config"
	"mini.example/server/internal/web"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "healthcheck" {
		if err := healthcheck(); err != nil {
			log.Fatalf("healthcheck: %v", err)
		}
		return
	}
	if err := serve(); err != nil {
		log.Fatalf("server: %v", err)
	}
}

func serve() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	child, err := backend.Start(config.Socket())
	if err != nil {
		return err
	}
	defer child.Stop()
	server := &http.Server{Addr: config.Listen(), Handler: web.Handler(child), ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	log.Printf("listening on %s", server.Addr)
	select {
	case <-ctx.Done():
		return server.Close()
	case <-child.Done():
		server.Close()
		return fmt.Errorf("the backend stopped: %v", child.Err())
	case err := <-failed:
		return err
	}
}

// healthcheck asks the running server for its configuration through the generated client.
func healthcheck() error {
	cfg := api.NewConfiguration()
	cfg.Servers = api.ServerConfigurations{{URL: "http://" + config.Local()}}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	root, _, err := api.NewAPIClient(cfg).RootAPI.RootConfigRetrieve(ctx).Execute()
	if err != nil {
		return err
	}
	fmt.Printf("ok: version %s on %s, %d blueprints\n", root.GetVersion(), root.GetDatabase(), len(root.GetBlueprints()))
	return nil
}
