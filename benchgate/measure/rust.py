"""The source of a bench → the spots in it that harm its numbers.

Read with a real parser, and believed only where the text alone proves it: a finding
that is wrong on somebody's bench costs more than one that is missed. What is missed:
constants behind a name, functions of other crates, results bound to a name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING

from benchgate.doctor import Smell, Spot

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

_FEWEST_SAMPLES = 50
_LONGEST_CODE = 80
# Which argument of Bencher's methods is the closure that is timed.
_TIMED = {
    "iter": 0,
    "iter_with_large_drop": 0,
    "iter_batched": 1,
    "iter_batched_ref": 1,
    "iter_with_setup": 1,
}
_NUMBERS = frozenset(
    {"integer_literal", "float_literal", "boolean_literal", "char_literal"}
)
# Constants that say how much to reserve or how long to wait are no input.
_MAKERS = re.compile(r"(new|with|from|default|channel|bounded|sleep|duration)(_.*)?")
# Functions that are called for something else than their result, however named.
_EFFECTS = re.compile(r"black_box|block_on|drop|forget|spawn.*")
# Methods of std that do nothing but make their result.
_MAKES_A_RESULT = frozenset(
    {"parse", "to_string", "to_owned", "to_vec", "sum", "product", "collect", "count"}
)
# Wrappers that hand on what is inside of them.
_UNWRAPS = frozenset({"unwrap", "expect", "unwrap_unchecked"})
_WRAPPERS = frozenset(
    {"await_expression", "try_expression", "parenthesized_expression"}
)
_OPAQUE = re.compile(r"\bblack_box\b")
# What a function may do something to although it takes no `&mut`.
_SHARED_STATE = re.compile(
    r"&\s*('\w+\s+)?mut\b|\bself\b|\bdyn\b|\bimpl\b"
    r"|\b(Arc|Rc|\w*Cell|\w*Mutex|\w*RwLock|Atomic\w*|\w*Sender|\w*Receiver|\w*Handle"
    r"|\w*Runtime|Fn|FnMut|FnOnce|\w*Pool|\w*Client|\w*Stream|Ui|Context)\b|\*\s*mut\b"
)
_NO_RESULT = re.compile(r"\(\)|!|(\w+::)*Result<\s*(\(\)\s*(,.*)?)?>|impl\b.*")
_WORKERS = re.compile(r"\bRuntime::new\(|\bnew_multi_thread\(|\.threaded_scheduler\(")
_ONE_THREAD = re.compile(r"\bnew_current_thread\(|\.basic_scheduler\(")
# Runtimes of these have the names of Tokio's, and one thread.
_OTHER_RUNTIMES = re.compile(rb"\b(compio|monoio|glommio|tokio_uring)\b")


def pure_functions(sources: Iterable[bytes]) -> frozenset[str]:
    """Return the names of functions that only make a result, as their heads say.

    A name that is defined twice counts if all of its functions are such.
    """
    pure: dict[str, bool] = {}
    for source in sources:
        for node in _each(_parsed(source), "function_item"):
            name = _text(node.child_by_field_name("name"))
            pure[name] = pure.get(name, True) and _is_pure(node)
    return frozenset(name for name, holds in pure.items() if holds)


def spots(source: bytes, *, path: str, pure: Collection[str]) -> tuple[Spot, ...]:
    """Return what harms the numbers of the bench in *source*, in the order of lines.

    *pure*: names of functions whose call does nothing but make a result.
    """
    root = _parsed(source)
    found = [
        Spot(smell, f"{path}:{node.start_point[0] + 1}", _shortened(node))
        for smell, node in _smells(root, source, pure)
    ]
    return tuple(dict.fromkeys(sorted(found, key=_line)))


def _smells(
    root: Node, source: bytes, pure: Collection[str]
) -> Iterator[tuple[Smell, Node]]:
    for call in _each(root, "call_expression"):
        method = _method(call)
        if method == "sample_size" and _is_few(call):
            yield Smell.FEW_SAMPLES, call.child_by_field_name("arguments") or call
        body = _timed_body(call, method)
        if body is None:
            continue
        if method in ("iter", "iter_with_large_drop"):
            yield from ((Smell.LITERAL_INPUT, node) for node in _constant(body))
        yield from ((Smell.DROPPED_RESULT, n) for n in _dropped(body, pure))
        yield from _blocking(call, body, root, source)


def _timed_body(call: Node, method: str) -> Node | None:
    """Return the body of the closure that *call* times, None if it times nothing."""
    number = _TIMED.get(method)
    arguments = call.child_by_field_name("arguments")
    if number is None or arguments is None or len(arguments.named_children) <= number:
        return None
    closure = arguments.named_children[number]
    if closure.type != "closure_expression":
        return None
    # A closure with parameters, where the time is that of `iter`, is of an iterator.
    parameters = closure.child_by_field_name("parameters")
    if number == 0 and parameters is not None and parameters.named_children:
        return None
    return closure.child_by_field_name("body")


def _constant(body: Node) -> Iterator[Node]:
    """Yield the call that is all of *body*, if nothing but constants goes into it."""
    call = _unwrapped(_tail(body))
    while call is not None and _OPAQUE.fullmatch(_callee(call)):
        arguments = call.child_by_field_name("arguments")
        inside = arguments.named_children if arguments else []
        call = _unwrapped(_tail(inside[0])) if len(inside) == 1 else None
    if call is None or call.type != "call_expression":
        return
    if _method(call) == "parse" and _receiver(call)[:1] == '"':
        yield call
    if _method(call):
        return
    name, arguments = _callee(call), call.child_by_field_name("arguments")
    if not name[:1].islower() or _MAKERS.fullmatch(name) or arguments is None:
        return
    given = arguments.named_children
    if given and all(_is_number(each) for each in given):
        yield call


def _dropped(body: Node, pure: Collection[str]) -> Iterator[Node]:
    """Yield each call in *body* whose result nobody gets, though that is all it is."""
    for statement in _each(body, "expression_statement", "let_declaration"):
        if statement.type == "let_declaration":
            value = statement.child_by_field_name("value")
            if _text(statement.child_by_field_name("pattern")) != "_":
                continue
        else:
            value = statement.named_children[0] if statement.named_children else None
            if not _text(statement).endswith(";"):
                continue
        call = _unwrapped(value)
        if call is None or call.type != "call_expression":
            continue
        if _only_makes_a_result(call, pure) and not _is_in_a_closure(statement, body):
            yield call


def _only_makes_a_result(call: Node, pure: Collection[str]) -> bool:
    if _hides_effects(call):
        return False
    method = _method(call)
    if method:
        return method in _MAKES_A_RESULT
    name = _callee(call)
    return name in pure and not _EFFECTS.fullmatch(name)


def _hides_effects(call: Node) -> bool:
    """Say whether something in *call* does more than make a result."""
    return any(
        _OPAQUE.search(_text(closure)) or "&mut" in _text(closure)
        for closure in _each(call, "closure_expression", "macro_invocation")
    ) or "&mut" in _text(call)


def _blocking(
    call: Node, body: Node, root: Node, source: bytes
) -> Iterator[tuple[Smell, Node]]:
    function = call.child_by_field_name("function")
    is_async = ".to_async(" in _text(function)
    for inner in _each(body, "call_expression"):
        name = _method(inner) or _callee(inner)
        if name != "block_on":
            continue
        if is_async:
            yield Smell.BLOCK_ON_IN_ASYNC, inner
        elif _method(inner) and not _OTHER_RUNTIMES.search(source):
            runtime = _origin(_receiver(inner), inner, root)
            if _WORKERS.search(runtime) and not _ONE_THREAD.search(runtime):
                yield Smell.BLOCK_ON_WORKERS, inner


def _origin(name: str, use: Node, root: Node) -> str:
    """Return what the variable *name* was made by, and the functions that it calls.

    Empty where the text doesn't tell, such as for a parameter.
    """
    value = _bound(name, use) or _declared(name, root)
    text = _text(value)
    for call in re.findall(r"\b([a-z_]\w*)\(", text):
        for function in _each(root, "function_item"):
            if _text(function.child_by_field_name("name")) == call:
                text += _text(function.child_by_field_name("body"))
    return text


def _bound(name: str, use: Node) -> Node | None:
    """Return the value of the last `let` of *name* before *use*, in scopes around."""
    scope = use.parent
    while scope is not None:
        for child in reversed(scope.named_children):
            if child.type != "let_declaration" or child.start_byte > use.start_byte:
                continue
            if _text(child.child_by_field_name("pattern")) == name:
                return child.child_by_field_name("value")
        scope = scope.parent
    return None


def _declared(name: str, root: Node) -> Node | None:
    for item in _each(root, "static_item", "const_item"):
        if _text(item.child_by_field_name("name")) == name:
            return item.child_by_field_name("value")
    return None


def _is_few(call: Node) -> bool:
    """Say whether *call* sets few samples, and what is set beats the command line.

    What Criterion itself is configured to, the flags of benchgate override.
    """
    function, given = call.child_by_field_name("function"), _arguments(call)
    if re.search(r"\bCriterion\b|\bconfigure_from_args\b", _text(function)):
        return False
    if len(given) != 1 or given[0].type != "integer_literal":
        return False
    digits = re.match(r"\d+", _text(given[0]).replace("_", ""))
    return digits is not None and int(digits[0]) < _FEWEST_SAMPLES


def _is_pure(function: Node) -> bool:
    """Say whether the head of *function* promises a result and no effect."""
    result = function.child_by_field_name("return_type")
    if result is None or _NO_RESULT.fullmatch(_text(result)):
        return False
    parameters = _text(function.child_by_field_name("parameters"))
    return not (_SHARED_STATE.search(parameters) or _SHARED_STATE.search(_text(result)))


def _tail(node: Node | None) -> Node | None:
    """Return the value of a block that is nothing else, or *node* itself."""
    while node is not None and node.type in ("block", "async_block"):
        inside = [
            child for child in node.named_children if child.type != "line_comment"
        ]
        if len(inside) != 1:
            return None
        node = inside[0]
        if node.type == "expression_statement" and not _text(node).endswith(";"):
            node = node.named_children[0]
    return node


def _unwrapped(node: Node | None) -> Node | None:
    """Return what lies below `.unwrap()`, `.await`, `?` and parentheses."""
    while node is not None:
        if node.type in _WRAPPERS:
            node = node.named_children[0]
        elif node.type == "call_expression" and _method(node) in _UNWRAPS:
            function = node.child_by_field_name("function")
            node = function.child_by_field_name("value") if function else None
        else:
            return node
    return None


def _is_in_a_closure(node: Node, body: Node) -> bool:
    """Say whether *node* lies in a closure or function inside of *body*."""
    parent = node.parent
    while parent is not None and parent != body:
        if parent.type in ("closure_expression", "function_item"):
            return True
        parent = parent.parent
    return False


def _is_number(node: Node) -> bool:
    if node.type == "unary_expression":
        return bool(node.named_children) and _is_number(node.named_children[0])
    return node.type in _NUMBERS


def _method(call: Node) -> str:
    """Return the name of the method that *call* calls, "" for a function."""
    function = _function(call)
    if function is None or function.type != "field_expression":
        return ""
    return _text(function.child_by_field_name("field"))


def _receiver(call: Node) -> str:
    function = _function(call)
    return _text(function.child_by_field_name("value") if function else None)


def _callee(call: Node) -> str:
    """Return the last name of the path that *call* calls, "" for anything else."""
    function = _function(call)
    if function is None or function.type not in ("identifier", "scoped_identifier"):
        return ""
    return _text(function).rpartition("::")[2]


def _function(call: Node) -> Node | None:
    """Return what *call* calls, without the types that it is told."""
    function = call.child_by_field_name("function")
    if function is not None and function.type == "generic_function":
        return function.child_by_field_name("function")
    return function


def _arguments(call: Node) -> list[Node]:
    arguments = call.child_by_field_name("arguments")
    return arguments.named_children if arguments else []


def _each(root: Node, *types: str) -> Iterator[Node]:
    """Yield the nodes of these *types* in and below *root*, in their order."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.type in types:
            yield node
        waiting.extend(reversed(node.children))


def _text(node: Node | None) -> str:
    return (node.text or b"").decode("utf-8", "replace") if node is not None else ""


def _shortened(node: Node) -> str:
    text = " ".join(_text(node).split())
    if node.type == "arguments":
        return f".sample_size{text}"
    if _method(node) == "block_on":
        return f"{_receiver(node)}.block_on(…)"
    return text if len(text) <= _LONGEST_CODE else f"{text[: _LONGEST_CODE - 1]}…"


def _line(spot: Spot) -> tuple[int, str]:
    return int(spot.place.rpartition(":")[2]), spot.smell


def _parsed(source: bytes) -> Node:
    return _parser().parse(source).root_node


@cache
def _parser() -> Parser:
    import tree_sitter_rust  # noqa: PLC0415 - a megabyte that only doctor needs
    from tree_sitter import Language, Parser  # noqa: PLC0415 - as above

    return Parser(Language(tree_sitter_rust.language()))
