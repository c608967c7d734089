"""Hooks by which schemathesis asks a node as people and clients do, and by which the test hears what was answered.

The environment says who asks: FERRY_TOKENS has a token for each role, FERRY_SIGNER is where documents are signed, and
FERRY_KNOWN has values that are there, by the names of fields. FERRY_TALLY is the file for what was answered.
Without FERRY_TOKENS nobody who is known asks, and messages stay as they were generated.
"""

import atexit
import collections
import json
import os
import urllib.request

import schemathesis

TOKENS = json.loads(os.environ.get("FERRY_TOKENS", "{}"))
KNOWN = json.loads(os.environ.get("FERRY_KNOWN", "{}"))
SIGNER = os.environ.get("FERRY_SIGNER")
TALLY = os.environ["FERRY_TALLY"]

tally = collections.Counter()


@atexit.register
def write_tally():
    counts = [[method, path, status, count] for (method, path, status), count in sorted(tally.items())]
    with open(TALLY, "w", encoding="utf-8") as file:
        json.dump(counts, file)


def with_known(value):
    """A document with values that are there wherever a field has the name of one."""
    if isinstance(value, dict):
        return {name: KNOWN[name] if name in KNOWN else with_known(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [with_known(inner) for inner in value]
    return value


@schemathesis.hook
def before_load_schema(context, raw_schema):
    for methods in raw_schema["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", []):
                if parameter["name"] in KNOWN:
                    parameter["example"] = KNOWN[parameter["name"]]
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if content is None:
                continue
            if TOKENS and "x-data" in operation:
                # What the client means is generated, and signed when it is sent.
                content["schema"] = operation["x-data"]
                content["example"] = operation["x-data-example"]
                del content["examples"]
            if "example" in content:
                content["example"] = with_known(content["example"])


def signed(permission, document):
    asked = json.dumps({"permission": permission, "data": document}).encode()
    request = urllib.request.Request(SIGNER, asked, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


@schemathesis.hook
def before_call(context, case, kwargs):
    if not TOKENS:
        return
    operation = case.operation.definition.raw
    roles = operation.get("x-roles")
    if roles is not None:
        # Whoever logs out needs a session of his own.
        role = "logout" if case.path == "/logout" else roles[0]
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {TOKENS[role]}"}
    if "x-permission" in operation and isinstance(case.body, (dict, list, str, int, float, bool, type(None))):
        # The case keeps what was generated: by that it is judged.
        kwargs["json"] = signed(operation["x-permission"], case.body)


@schemathesis.hook
def after_call(context, case, response):
    tally[(case.method, case.path, response.status_code)] += 1
