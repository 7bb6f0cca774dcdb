module github.com/tenantry/tenantry-go

go 1.25
