module github.com/tenantry/tenantry-go/conformance

go 1.25

require github.com/tenantry/tenantry-go v0.0.0

replace github.com/tenantry/tenantry-go => ../../../../bindings-go
