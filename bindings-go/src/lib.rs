//! The static library behind the Go module `tenantry`.
