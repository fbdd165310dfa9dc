package web

import (
	"net/http"

	"github.com/gorilla/mux"
)

// static serves the built pages and the icons.
func static(r *mux.Router) {
	built := http.StripPrefix("/static", http.FileServer(http.Dir("./web")))
	fixed := http.StripPrefix("/static", http.FileServer(http.Dir("./web/static")))
	r.PathPrefix("/static/dist/").Handler(built)
	r.PathPrefix("/static/icons/").Handler(fixed)
}
