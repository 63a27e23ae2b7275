"""The yardstick: the smallest FastAPI application there is."""

from fastapi import FastAPI

app = FastAPI()


@app.get("/hello")
async def hello() -> dict[str, str]:
    """A word."""
    return {"hello": "world"}
