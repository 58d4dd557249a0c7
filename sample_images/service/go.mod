module example.com/imgaudit/samples/service

go 1.21
