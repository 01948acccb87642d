"""Planning: from a place in the tree to the endpoint that answers there, everything decided before a request."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from ._core.endpoint import Endpoint
from .asgi import AsgiHandler
from .binding import CALL_GENERAL, CALL_REQ_RES, Binding, bind
from .chains import Layer, compose, middleware_layer
from .error_handlers import Observe, error_layer
from .extensions import Extension, Resource, extension_layer, resource_layer
from .request import Request
from .response import Response
from .threads import in_thread
from .tree import Branch, PlannedRoute

Answer = Callable[[Request, Response], None]

__all__ = ("make_endpoint", "plan_missing", "plan_route")


def plan_route(route: PlannedRoute, observe: Observe) -> Endpoint:
    """Return the endpoint of a route, with all that runs around its handler; `TypeError` for a name nobody knows."""
    given = [extension for branch in route.lineage for extension in branch.extensions]
    names = [name for extension in given for name in extension.names]
    is_open = any(extension.is_open for extension in given)
    params = (*route.params, *route.host_params)
    handler = route.handler.placed(route.pattern) if isinstance(route.handler, AsgiHandler) else route.handler
    try:
        binding, endpoint = make_endpoint(handler, params, route.options, extensions=names, is_open=is_open)
    except TypeError as error:
        raise TypeError(f"{route.method} {route.path}: {error}") from None
    layers = [*_layers_of(route.lineage, observe), *route.spec.layers()]
    resources = _wanted(binding, [one for one in given if isinstance(one, Resource)])
    if resources:
        before = [name for one in given if isinstance(one, Extension) for name in one.names]
        layers.append(resource_layer(resources, before, is_open=is_open))
    endpoint.chain = compose(layers)
    return endpoint


def make_endpoint(
    handler: Callable[..., Any],
    params: tuple[str, ...],
    options: Mapping[str, Any],
    *,
    extensions: Collection[str] = (),
    is_open: bool = False,
) -> tuple[Binding, Endpoint]:
    """Return how a handler is called and what runs it; raise for an option that cannot be meant."""
    binding = bind(handler, params=params, extensions=extensions, is_open=is_open, schema=options.get("schema"))
    given = {name: value for name, value in options.items() if name not in ("schema", "blocking")}
    endpoint = Endpoint(handler, binding.kind, binding.call, **given)
    if options.get("blocking"):
        if endpoint.stream_body:
            raise TypeError("stream_body=True is read on the loop: leave out blocking=True, or have the body buffered")
        endpoint = Endpoint(handler, CALL_GENERAL, in_thread(binding, endpoint), **given)
    return binding, endpoint


def plan_missing(lineage: Sequence[Branch], answer: Answer, observe: Observe) -> Endpoint:
    """Return the endpoint of requests without a route below these branches."""
    return Endpoint(answer, CALL_REQ_RES, answer, chain=compose(_layers_of(lineage, observe)))


def _layers_of(lineage: Sequence[Branch], observe: Observe) -> Iterator[Layer]:
    """Yield what the branches on the way put around everything below, the outermost first.

    Those of the first one have no error layer: what reaches it is the app's to report.
    """
    known: list[str] = []
    is_open = False
    for depth, branch in enumerate(lineage):
        yield from branch.outermost()
        if depth and branch.error_handlers:
            yield error_layer(branch.error_handlers, observe)
        extensions = [one for one in branch.extensions if isinstance(one, Extension)]
        if extensions:
            yield extension_layer(extensions, known, is_open=is_open)
        known += [name for one in extensions for name in one.names]
        is_open = is_open or any(one.is_open for one in extensions)
        yield from map(middleware_layer, branch.middlewares)


def _wanted(binding: Binding, resources: Sequence[Resource]) -> list[Resource]:
    """Return the resources that a handler may use: those it names, all with `ctx`, and what these ask for."""
    asked: set[str] = set()
    for name in binding.names:
        known, _, otherwise = name.partition(" or ")
        asked.update((known, otherwise))
    if "ctx" in asked:
        return list(resources)
    wanted: list[Resource] = []
    for resource in reversed(resources):
        if resource.name in asked:
            wanted.insert(0, resource)
            asked.update(_asked_by(resource))
    return wanted


def _asked_by(resource: Resource) -> Collection[str]:
    names = bind(resource.fn, is_open=True).names
    return [name.partition(" or ")[0] for name in names]
