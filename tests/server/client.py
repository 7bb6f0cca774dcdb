"""A client in a process of its own, for `test_kills.py`: it asks until it is answered, whoever is killed meanwhile.

Each call has a key of its own and is repeated under it until an answer comes. Of four calls one is sent and its answer
not taken: by the time it is repeated the server that decided it may be gone. What was answered is written to standard
output, one line per call: key and request id. It ends when its standard input closes.

With `bare` as its last argument calls carry no key, so each that fails is another call when it is made again.
"""

from __future__ import annotations

import http.client
import json
import random
import secrets
import sys
import threading
import time

BODY = json.dumps({"content": "hello", "content_type": "prompt", "action": "process_prompt"}).encode()


def ask(port: int, credential: str, key: str, ending: threading.Event) -> str | None:
    """The request id of the answer; none when the run ended before one came."""
    headers = {
        "Authorization": f"Bearer {credential}",
        "Content-Type": "application/json",
        **({"Idempotency-Key": key} if "bare" not in sys.argv else {}),
    }
    give_up = None
    leaves = random.random() < 0.25
    while True:
        if ending.is_set() and give_up is None:
            # Whatever was begun is brought to its end, or the count would not come out.
            give_up = time.monotonic() + 20
        if give_up is not None and time.monotonic() > give_up:
            return None
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("POST", "/v1/shield/guard", BODY, headers)
            if leaves:
                leaves = False
                time.sleep(random.uniform(0.02, 0.3))
                continue
            answer = connection.getresponse()
            text = answer.read()
            if answer.status == 200:
                return str(json.loads(text)["request_id"])
            if answer.status < 500:
                sys.stderr.write(f"{answer.status} {text!r}\n")
                return None
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        time.sleep(0.01)


def main() -> None:
    port, credential, threads = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    ending = threading.Event()
    told = threading.Lock()

    def work() -> None:
        while not ending.is_set():
            key = secrets.token_hex(12)
            request_id = ask(port, credential, key, ending)
            with told:
                print(f"{key} {request_id or 'lost'}", flush=True)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    sys.stdin.read()
    ending.set()
    for worker in workers:
        worker.join()


if __name__ == "__main__":
    main()
