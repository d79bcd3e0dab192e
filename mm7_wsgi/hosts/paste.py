"""MM7 in the ini files of PasteDeploy, without a line of code.

::

    [filter:mm7]
    use = egg:mm7_wsgi
    handler = shop.mms:Inbox
    accounts = mm7-accounts.toml
    limits.body = 50_000_000

As a filter it stands before an application (``filter-with = mm7``, or in a ``pipeline``) and takes its path; with
``[app:mm7]`` it is the whole of an application. The settings are those of an endpoint
(:func:`mm7_wsgi.hosts.settings.keywords`); an account file is looked for beside the ini file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..endpoint import MM7Endpoint
from ..middleware import MM7Middleware
from .settings import keywords

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

__all__ = ["app_factory", "filter_factory"]


def filter_factory(global_conf: Mapping[str, str], **local_conf: str) -> Callable[[WSGIApplication], MM7Middleware]:
    """``paste.filter_factory``: makes an :class:`~mm7_wsgi.MM7Middleware` of an application.

    Raises ``ValueError`` or ``TypeError`` that names the setting.
    """
    handler, settings = _read(global_conf, local_conf)
    return lambda app: MM7Middleware(app, handler, **settings)


def app_factory(global_conf: Mapping[str, str], **local_conf: str) -> MM7Endpoint:
    """``paste.app_factory``: an :class:`~mm7_wsgi.MM7Endpoint`, which answers every path.

    Raises ``ValueError`` or ``TypeError`` that names the setting.
    """
    handler, settings = _read(global_conf, local_conf)
    return MM7Endpoint(handler, **settings)


def _read(global_conf: Mapping[str, str], local_conf: Mapping[str, str]) -> tuple[Any, dict[str, Any]]:
    settings = keywords(local_conf, "", root=global_conf.get("here", os.curdir), handler=True)
    if "handler" not in settings:
        raise ValueError("handler is missing: it is the dotted name of what takes the messages, as shop.mms:Inbox")
    return settings.pop("handler"), settings
