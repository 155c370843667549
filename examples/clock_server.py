"""A small MCP server on stdin and stdout, for ``one_shot.py --mcp``: its one tool tells the time.

Usage: ``python examples/clock_server.py``, by an MCP client. It needs nothing but Python.
"""

import json
import sys
from datetime import datetime
from typing import Any

NOW = {
    "name": "now",
    "description": "Tell the local date and time, with the offset from UTC.",
    "inputSchema": {"type": "object", "properties": {}},
}


def answer(method: str, params: dict[str, Any]) -> dict[str, Any] | None:
    """Give the result of a request; None where there is no such method or tool."""
    if method == "initialize":
        return {
            "protocolVersion": params.get("protocolVersion", "2025-06-18"),
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "clock", "version": "1"},
        }
    if method == "ping":
        return {}
    if method == "tools/list":
        return {"tools": [NOW]}
    if method == "tools/call" and params.get("name") == "now":
        return {"content": [{"type": "text", "text": datetime.now().astimezone().isoformat(timespec="seconds")}]}
    return None


def main() -> None:
    """Answer requests, one JSON object a line, until stdin ends."""
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message:
            continue  # A notification wants no answer.
        result = answer(message.get("method", ""), message.get("params") or {})
        outcome = {"error": {"code": -32601, "message": "Not known here."}} if result is None else {"result": result}
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **outcome}), flush=True)


if __name__ == "__main__":
    main()
