"""Whether files are what those who read them expect: validate.py sarif SCHEMA FILE..., or chrome FILE...

Prints what is wrong and ends with 1; with 77 where python3-jsonschema is not installed."""

import json
import sys


def fail(message):
    print(message)
    sys.exit(1)


def read(name):
    with open(name, encoding="utf-8") as file:
        return json.load(file)


def sarif(schema, names):
    try:
        import jsonschema
    except ImportError:
        sys.exit(77)
    contents = read(schema)
    kind = jsonschema.validators.validator_for(contents, default=jsonschema.Draft7Validator)
    validator = kind(contents, format_checker=jsonschema.FormatChecker())
    for name in names:
        log = read(name)
        for error in validator.iter_errors(log):
            fail(f"{name}: {'/'.join(map(str, error.absolute_path))}: {error.message}")
        for run in log["runs"]:
            rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
            if len(set(rules)) != len(rules):
                fail(f"{name}: a rule is there twice")
            for result in run["results"]:
                if rules[result["ruleIndex"]] != result["ruleId"]:
                    fail(f"{name}: rule {result['ruleIndex']} is not {result['ruleId']}")
                for flow in result.get("codeFlows", []):
                    orders = [[place["executionOrder"] for place in thread["locations"]] for thread in flow["threadFlows"]]
                    together = sum(orders, [])
                    if any(order != sorted(order) for order in orders) or len(set(together)) != len(together):
                        fail(f"{name}: the order of execution is none: {orders}")


# What each phase needs, by the trace event format; and nothing else.
PHASES = {
    "M": {"ph", "pid", "tid", "name", "args"},
    "X": {"ph", "pid", "tid", "ts", "dur", "cat", "name"},
    "s": {"ph", "pid", "tid", "ts", "id", "cat", "name"},
    "f": {"ph", "pid", "tid", "ts", "id", "cat", "name", "bp"},
}


def chrome(names):
    for name in names:
        trace = read(name)
        if trace.get("displayTimeUnit") not in ("ms", "ns"):
            fail(f"{name}: displayTimeUnit is {trace.get('displayTimeUnit')}")
        slices, starts, ends, named = {}, {}, {}, set()
        for event in trace["traceEvents"]:
            needed = PHASES.get(event.get("ph"))
            if needed is None or not needed <= set(event) or set(event) - needed - {"args"}:
                fail(f"{name}: not as its phase demands: {event}")
            thread = (event["pid"], event["tid"])
            if event["ph"] == "M":
                if event["name"] == "thread_name":
                    named.add(thread)
                    if not isinstance(event["args"]["name"], str):
                        fail(f"{name}: no name: {event}")
                continue
            if not isinstance(event["ts"], (int, float)) or event["ts"] < 0:
                fail(f"{name}: no time: {event}")
            if event["ph"] == "X":
                slices.setdefault(thread, []).append((event["ts"], event["ts"] + event["dur"]))
                if event["dur"] < 0:
                    fail(f"{name}: it ends before it begins: {event}")
            else:
                flows = starts if event["ph"] == "s" else ends
                flows[event["id"]] = (thread, event["ts"], event["cat"], event["name"])
        for thread, spans in slices.items():
            if thread not in named:
                fail(f"{name}: thread {thread} has no name")
            spans.sort()
            for (_, end), (start, _) in zip(spans, spans[1:]):
                if start < end:
                    fail(f"{name}: slices of thread {thread} overlap at {start}")
        if set(starts) != set(ends):
            fail(f"{name}: flows without both ends: {set(starts) ^ set(ends)}")
        for flow, (thread, at, cat, word) in starts.items():
            other = ends[flow]
            if other[1] < at or other[2:] != (cat, word):
                fail(f"{name}: flow {flow} does not lead from {at} to {other[1]}")
            for where, when in ((thread, at), other[:2]):
                if not any(start <= when <= end for start, end in slices.get(where, [])):
                    fail(f"{name}: flow {flow} is bound to no slice of {where} at {when}")


if __name__ == "__main__":
    kind, *rest = sys.argv[1:]
    if kind == "sarif":
        sarif(rest[0], rest[1:])
    else:
        chrome(rest)
