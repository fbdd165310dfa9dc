// Package web is the table of what the server answers itself and what it passes on.
package web

import (
	"log"
	"net/http"
	"strings"

	"github.com/NYTimes/gziphandler"
	"github.com/google/uuid"
	"github.com/gorilla/mux"

	"mini.example/server/internal/backend"
)

// Handler is the whole of the server.
func Handler(child *backend.Backend) http.Handler {
	r := mux.NewRouter()
	r.HandleFunc("/-/health/live/", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
	})
	r.HandleFunc("/-/health/ready/", func(w http.ResponseWriter, _ *http.Request) {
		if !child.Ready() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	static(r)
	r.PathPrefix("/").Handler(child.Proxy())
	r.Use(requestID)
	return gziphandler.GzipHandler(r)
}

func requestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := uuid.NewString()
		w.Header().Set("X-Request-ID", id)
		if !strings.HasPrefix(r.URL.Path, "/-/") {
			log.Printf("%s %s %s", id, r.Method, r.URL.Path)
		}
		next.ServeHTTP(w, r)
	})
}
