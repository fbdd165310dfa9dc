"""The ASGI application: the interface of `schema.yml`, and the page of a flow."""

import html
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

import mini_notes
from mini import VERSION, blueprints
from mini.log import log

PAGE = (Path(__file__).parent / "flow.html").read_text()


async def ready(_request):
    try:
        await run_in_threadpool(mini_notes.connect)
    except Exception as error:
        log("database does not answer", level="warning", error=str(error).strip())
        return Response(status_code=503)
    return Response(status_code=200)


async def config(_request):
    names = [blueprint.name for blueprint in blueprints.load()]
    return JSONResponse({"version": VERSION, "database": mini_notes.Database().vendor, "blueprints": names})


async def notes_list(request):
    kind = request.query_params.get("kind")
    return JSONResponse(await run_in_threadpool(mini_notes.list_notes, mini_notes.Database(), kind))


async def notes_create(request):
    try:
        body = await request.json()
        title, kind = body.get("title"), body.get("kind", "note")
    except (ValueError, AttributeError):
        return JSONResponse({"detail": "not a JSON object"}, status_code=400)
    if not isinstance(title, str) or not title:
        return JSONResponse({"title": ["a text is wanted"]}, status_code=400)
    if kind not in mini_notes.KINDS:
        return JSONResponse({"kind": [f"one of {', '.join(mini_notes.KINDS)} is wanted"]}, status_code=400)
    note = await run_in_threadpool(mini_notes.create, mini_notes.Database(), title, kind)
    return JSONResponse(note, status_code=201)


async def flow(request):
    title = blueprints.flows().get(request.path_params["slug"])
    if title is None:
        return Response("no such flow", status_code=404)
    return HTMLResponse(PAGE.replace("@TITLE@", html.escape(title)).replace("@VERSION@", VERSION))


application = Starlette(
    routes=[
        Route("/-/health/ready/", ready),
        Route("/api/v3/root/config/", config),
        Route("/api/v3/notes/", notes_list, methods=["GET"]),
        Route("/api/v3/notes/", notes_create, methods=["POST"]),
        Route("/if/flow/{slug}/", flow),
    ]
)
