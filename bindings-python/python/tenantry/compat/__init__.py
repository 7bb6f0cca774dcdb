"""The public clients of the systems Tenantry replaces: change the import line, keep the code."""
