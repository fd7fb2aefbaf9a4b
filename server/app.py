"""The web application: every service of one archive, put together."""

import structlog
from flask import Flask, Response
from sqlalchemy import exc, text
from werkzeug.middleware.proxy_fix import ProxyFix

from archive.archive import Archive
from archive.phases import PhaseWatch
from server import auth, calselector, eso, files, metrics, policy, scs, sia, tap, uws
from server.lenient import LenientRequest
from server.portal.pages import blueprint as portal
from server.query import Queries
from server.user_tables import routes as user_tables

__all__ = ["create_app"]

log = structlog.get_logger()

REQUEST_BYTES = 4 << 20
WAITING_AT_ONCE = 12
"""Requests of one process that wait for a job's phase: fewer than the threads that queries leave."""


def create_app(archive: Archive) -> Flask:
    """Return the application that serves an archive."""
    app = Flask("musevault", static_folder=None)
    app.request_class = LenientRequest
    app.url_map.strict_slashes = False
    app.config["MAX_CONTENT_LENGTH"] = app.config["MAX_FORM_MEMORY_SIZE"] = REQUEST_BYTES
    if archive.settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=archive.settings.trusted_proxies)  # type: ignore[method-assign]
    queries = app.extensions["queries"] = Queries(archive)
    watch = app.extensions["phases"] = PhaseWatch(archive.database, most=WAITING_AT_ONCE)
    log_in = auth.gate(archive.database)
    for routes in (
        tap.blueprint(archive, queries),
        uws.blueprint(archive, queries, watch),
        user_tables.blueprint(archive),
    ):
        routes.before_request(log_in)
        app.register_blueprint(routes)
    app.register_blueprint(sia.blueprint(archive, queries))
    app.register_blueprint(scs.blueprint(archive, queries))
    app.register_blueprint(files.blueprint(archive))
    app.register_blueprint(eso.blueprint(archive))
    app.register_blueprint(calselector.blueprint(archive, queries))
    app.register_blueprint(metrics.blueprint(archive))
    app.register_blueprint(portal(archive, queries))

    @app.get("/healthz")
    def healthz() -> Response:
        try:
            with archive.database.engine.connect() as connection:
                connection.execute(text("SELECT 1"))
        except exc.SQLAlchemyError:
            return Response("the database does not answer\n", status=503, content_type="text/plain")
        return Response("ok\n", content_type="text/plain")

    @app.errorhandler(exc.OperationalError)
    def unavailable(error: exc.OperationalError) -> Response:
        log.warning("the database does not answer", reason=str(error.orig))
        return Response("the database does not answer\n", status=503, content_type="text/plain")

    @app.after_request
    def guard(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", policy.PAGE)
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return app
