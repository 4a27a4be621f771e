"""Templates, styles and scripts of the pages, and how they are read."""

from __future__ import annotations

from importlib import resources

import jinja2
from markupsafe import Markup, escape

from gridplan.errors import Message


def text(name: str) -> str:
    """Return a file of this folder."""
    return resources.files(__name__).joinpath(name).read_text(encoding="utf-8")


def render(name: str, /, **context: object) -> str:
    """Return a template filled in; every value is escaped unless it is marked as HTML."""
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(text),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["both"] = both
    return environment.get_template(name).render(**context)


def both(message: Message) -> Markup:
    """
    Return a text in both languages, of which the page shows one.

    Examples
    --------
    >>> both(Message(en="1 < 2", zh="1 < 2"))
    Markup('1 &lt; 2')
    """
    if message.zh == message.en:
        return escape(message.zh)
    pair = Markup('<span lang="zh-Hans">{}</span><span lang="en">{}</span>')
    return pair.format(message.zh, message.en)
