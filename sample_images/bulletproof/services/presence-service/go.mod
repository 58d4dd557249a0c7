module example.com/bulletproof/presence-service

go 1.23
