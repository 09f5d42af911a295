"""Headers of every answer: only our own scripts run, nothing is fetched from elsewhere, data are not kept by caches."""

from __future__ import annotations

import dash
import flask


def policy(app: dash.Dash) -> str:
    """The content security policy; call it when the last callback is registered. Plotly and Mantine set inline styles."""
    rules = {
        "default-src": "'none'",
        "script-src": " ".join(["'self'", *app.csp_hashes()]),
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def add_headers(app: dash.Dash) -> None:
    """Puts the headers on every answer of the app."""
    fixed = {
        "Content-Security-Policy": policy(app),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }

    @app.server.after_request
    def _add(response: flask.Response) -> flask.Response:
        response.headers.update(fixed)
        if response.mimetype in {"application/json", "text/html"}:
            response.headers["Cache-Control"] = "no-store"
        return response
