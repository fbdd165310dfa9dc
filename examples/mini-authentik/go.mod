module mini.example/server

go 1.24

require (
	github.com/NYTimes/gziphandler v1.1.1
	github.com/google/uuid v1.6.0
	github.com/gorilla/mux v1.8.1
	mini.example/api/v3 v3.1.2
)

replace mini.example/api/v3 => ./client-go
