"""The `where` language: which records of a data set an entry of the plan means.

Grammar (a safe subset of Python expressions; nothing is ever evaluated as code)::

    PARAMCD == 'IRLSTOT' and AVISITN in [1, 2, 3, 4]
    AGE >= 18 and not SEX == 'U'
    BASE is not missing and 15 <= BASE <= 40

A comparison with a missing value is false; ``!=`` is its negation and so is true, as in SAS.
"""

from __future__ import annotations

import ast
import difflib
import io
import itertools
import operator
import tokenize
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from nirls.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

_COMPARE = {ast.Eq: operator.eq, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge}
HELP = "allowed: == != < <= > >=, in [..], not in [..], is missing, is not missing, and, or, not, parentheses"


class WhereError(ConfigError):
    """The expression is not in the `where` language, or names a variable the data do not have."""


def _missing_to_none(text: str) -> str:
    tokens, out = list(tokenize.generate_tokens(io.StringIO(text).readline)), []
    for i, token in enumerate(tokens):
        previous = [t.string for t in tokens[max(0, i - 2) : i]]
        if token.type == tokenize.NAME and token.string == "missing" and (previous[-1:] == ["is"] or previous == ["is", "not"]):
            out.append((tokenize.NAME, "None"))
        else:
            out.append((token.type, token.string))
    return tokenize.untokenize(out)


@cache
def parse_where(text: str) -> ast.expr:
    """Parse and check an expression; raises :class:`WhereError` with the offending part."""
    try:
        tree = ast.parse(_missing_to_none(text.strip()), mode="eval").body
        _check(tree, text)
    except WhereError:
        raise
    except (SyntaxError, ValueError, tokenize.TokenError) as error:
        raise WhereError(f"cannot read the condition {text!r}: {error.args[0]}; {HELP}") from None
    except (RecursionError, MemoryError):
        raise WhereError(f"the condition {text[:60]!r}… is nested too deeply; {HELP}") from None
    return tree


def _is_value(node: ast.expr) -> bool:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
    return isinstance(node, ast.Constant) and isinstance(node.value, str | int | float) and not isinstance(node.value, bool)


def _check(node: ast.expr, text: str) -> None:
    if isinstance(node, ast.BoolOp):
        for value in node.values:
            _check(value, text)
        return
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        _check(node.operand, text)
        return
    if isinstance(node, ast.Compare):
        operands = [node.left, *node.comparators]
        for left, op, right in zip(operands, node.ops, operands[1:], strict=False):
            if isinstance(op, ast.Is | ast.IsNot):
                ok = isinstance(left, ast.Name) and isinstance(right, ast.Constant) and right.value is None
            elif isinstance(op, ast.In | ast.NotIn):
                ok = isinstance(left, ast.Name) and isinstance(right, ast.List | ast.Tuple) and all(_is_value(e) for e in right.elts)
            else:
                ok = all(isinstance(x, ast.Name) or _is_value(x) for x in (left, right))
            if not ok:
                raise WhereError(f"cannot use {ast.unparse(node)!r} in the condition {text!r}; {HELP}")
            if not isinstance(left, ast.Name) and not isinstance(right, ast.Name):
                raise WhereError(f"the condition {text!r} compares two constants")
        return
    raise WhereError(f"cannot use {ast.unparse(node)!r} in the condition {text!r}; {HELP}")


def where_names(text: str) -> tuple[str, ...]:
    """Variables an expression mentions, in order of first mention."""
    return tuple(dict.fromkeys(n.id for n in ast.walk(parse_where(text)) if isinstance(n, ast.Name)))


def where_problems(text: str, numeric: Mapping[str, bool], data: str) -> Iterator[str]:
    """What is wrong with the names of an expression, told before there are data.

    Parameters
    ----------
    text : str
    numeric : mapping of str to bool
        The variables the data will have → whether they are numbers.
    data : str
        Name of the data, for the message.
    """
    for name in where_names(text):
        if name not in numeric:
            near = difflib.get_close_matches(name, list(numeric), n=1)
            yield f"{data} has no variable {name!r}" + (f"; did you mean {near[0]!r}?" if near else "")
    for node in ast.walk(parse_where(text)):
        operands = [node.left, *node.comparators] if isinstance(node, ast.Compare) else []
        for pair in itertools.pairwise(operands):
            for variable, other in (pair, pair[::-1]):
                if isinstance(variable, ast.Name) and variable.id in numeric and not isinstance(other, ast.Name):
                    value = ast.literal_eval(other)
                    values = value if isinstance(value, list | tuple) else [] if value is None else [value]
                    if any(isinstance(v, str) == numeric[variable.id] for v in values):
                        kind = "number" if numeric[variable.id] else "text"
                        yield f"{variable.id} is a {kind}, which cannot be compared with {value!r}"


def where_mask(text: str, frame: pd.DataFrame) -> pd.Series:
    """Rows of `frame` for which the expression holds.

    Returns
    -------
    Series of bool, shape (len(frame),), with the index of `frame`.

    Raises
    ------
    WhereError
        For an unknown variable (with the nearest name) or a text compared with a number.
    """
    return _evaluate(parse_where(text), frame, text)


def _column(node: ast.expr, frame: pd.DataFrame, text: str) -> Any:
    if not isinstance(node, ast.Name):
        return ast.literal_eval(node)
    if node.id not in frame.columns:
        near = difflib.get_close_matches(node.id, list(frame.columns), n=1)
        raise WhereError(
            f"the condition {text!r} names the variable {node.id!r}, which the data do not have"
            + (f"; did you mean {near[0]!r}?" if near else "")
        )
    column = frame[node.id]
    return column.astype(str).where(column.notna()) if column.dtype == "category" else column


def _same_kind(column: Any, value: Any, node: ast.expr, text: str) -> None:
    dtype = getattr(column, "dtype", None)
    if dtype is None:
        return
    numeric = dtype.kind in "iufb"
    other = getattr(value, "dtype", None)
    if other is not None and numeric != (other.kind in "iufb") and column.notna().any() and value.notna().any():
        raise WhereError(f"the condition {text!r} compares {column.name} with {value.name}: one is a number, the other a text")
    values = [] if other is not None else value if isinstance(value, list | tuple) else [value]
    for v in values:
        if numeric == isinstance(v, str):
            raise WhereError(f"the condition {text!r} compares {ast.unparse(node)}, a {'number' if numeric else 'text'}, with {v!r}")


def _evaluate(node: ast.expr, frame: pd.DataFrame, text: str) -> pd.Series:
    if isinstance(node, ast.BoolOp):
        parts = [_evaluate(value, frame, text) for value in node.values]
        result = parts[0]
        for part in parts[1:]:
            result = (result & part) if isinstance(node.op, ast.And) else (result | part)
        return result
    if isinstance(node, ast.UnaryOp):
        return ~_evaluate(node.operand, frame, text)
    assert isinstance(node, ast.Compare)
    chain: Any = None
    operands = [node.left, *node.comparators]
    for left, op, right in zip(operands, node.ops, operands[1:], strict=False):
        one = _compare(left, op, right, frame, text)
        chain = one if chain is None else chain & one
    return chain


def _compare(left: ast.expr, op: ast.cmpop, right: ast.expr, frame: pd.DataFrame, text: str) -> pd.Series:
    a = _column(left, frame, text)
    if isinstance(op, ast.Is | ast.IsNot):
        return a.isna() if isinstance(op, ast.Is) else a.notna()
    if isinstance(op, ast.In | ast.NotIn):
        values = ast.literal_eval(right)
        _same_kind(a, values, left, text)
        inside = a.isin(values)
        return inside if isinstance(op, ast.In) else ~inside
    b = _column(right, frame, text)
    _same_kind(a, b, left, text)
    _same_kind(b, a, right, text)
    if isinstance(op, ast.NotEq):
        return ~(a == b).fillna(False).astype(bool)
    return _COMPARE[type(op)](a, b).fillna(False).astype(bool)
