"""Checked by mypy --strict: each line marked so is a mistake the types must catch."""

from tenantry import GuardRequest, Shield, Tenant, Tenantry


def mistakes(client: Tenantry, acme: Tenant) -> None:
    acme.guard.evaluate_prompt(b"bytes")  # wrong
    acme.guard.evaluate_prompt("x", mood="strict")  # wrong
    acme.guard.evaluate_prompt("x").decison  # wrong
    acme.guard.evaluate_prompt("x").decision = "allow"  # type: ignore[misc]
    GuardRequest()  # wrong
    client.tenant("acme")  # wrong
    acme.limits.set("own", "five", "minute")  # wrong
    acme.usage.report(input_tokens=5)  # wrong
    acme.usage.report("gpt-4o", tokens_used=5)  # wrong
    acme.audit.verify(anchor=7)  # wrong
    client.authenticate(7)  # wrong
    acme.require_scopes(7)  # wrong
    client.identity.issuers.put("https://idp.example")  # wrong
    client.identity.keys.create("x", scope="tools:read")  # wrong

    @Shield(acme).prompt
    def chat(question: str) -> str:
        return question

    chat(7)  # wrong


async def forgotten(acme: Tenant) -> None:
    acme.guard.aevaluate_prompt("x")  # wrong
