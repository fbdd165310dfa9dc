module mini.example/api/v3

go 1.24
