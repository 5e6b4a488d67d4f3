# SPDX-License-Identifier: Apache-2.0
"""The status endpoint as a FastAPI gateway with Redis does it, to measure
ours against: written as the specification's section 6.2 has it, with what that
leaves out and an equal comparison needs (the account is looked up, the rate
limit is counted atomically).

Environment: REDIS_URL, JWT_SECRET, RATE_LIMIT_STATUS_PER_HOUR.
"""

import json
import os
import time

import jwt
import redis.asyncio as redis
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

SECRET = os.environ["JWT_SECRET"]
LIMIT = int(os.environ["RATE_LIMIT_STATUS_PER_HOUR"])
WINDOW_S = 3600

app = FastAPI(title="PromptCraft-Hybrid API", version="3.0.0")
store = redis.from_url(os.environ["REDIS_URL"], decode_responses=True)


async def current_user(
        credentials: HTTPAuthorizationCredentials = Depends(HTTPBearer())):
    try:
        claims = jwt.decode(credentials.credentials, SECRET,
                            algorithms=["HS256"], issuer="promptcraft")
    except jwt.ExpiredSignatureError:
        raise HTTPException(401, "Token expired") from None
    except jwt.InvalidTokenError:
        raise HTTPException(401, "Invalid token") from None
    user = await store.hgetall(f"user:{claims['user_id']}")
    if (not user or user["is_disabled"] != "0"
            or int(user["token_version"]) != claims["ver"]):
        raise HTTPException(401, "Invalid token")
    return user


async def check_rate_limit(user_id, operation, limit):
    """INCR and EXPIRE in one round trip and one transaction."""
    key = f"rate_limit:{user_id}:{operation}"
    async with store.pipeline(transaction=True) as pipe:
        pipe.incr(key)
        pipe.expire(key, WINDOW_S, nx=True)
        count, _ = await pipe.execute()
    if count > limit:
        raise HTTPException(429, f"Rate limit exceeded. Max {limit} "
                            f"{operation} requests per hour.")


async def workflow_state(workflow_id):
    text = await store.get(f"workflow:{workflow_id}")
    if not text:
        raise HTTPException(404, "Workflow not found")
    return json.loads(text)


@app.get("/health")
async def health():
    await store.ping()
    return {"status": "healthy", "timestamp": time.time()}


@app.get("/api/v3/execute/status/{workflow_id}")
async def status(workflow_id: str, user: dict = Depends(current_user)):
    await check_rate_limit(user["user_id"], "status", LIMIT)
    state = await workflow_state(workflow_id)
    if state["user_id"] != user["user_id"] and user["role"] != "admin":
        raise HTTPException(403, "Access denied")
    plan = state["execution_plan"]
    return {
        "status": "success",
        "data": {
            "workflow_id": workflow_id,
            "goal": state["goal"],
            "status": state["status"],
            "current_step": state["current_step"],
            "total_steps": len(plan),
            "progress_percentage": state["current_step"] / len(plan) * 100,
            "execution_plan": plan,
            "artifacts": state.get("artifacts", {}),
            "metrics": state.get("metrics", {}),
            "approvals": state.get("approvals", []),
            "pending_approvals": [
                approval for approval in state.get("approvals", [])
                if approval["status"] == "pending"],
            "created_at": state["created_at"],
            "updated_at": state["updated_at"],
        },
    }
