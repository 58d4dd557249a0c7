module example.com/devops-go

go 1.25.0
