"""The explanations of mutants that survive fit the code and the document. Without mutmut, which run.py is for."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
EXPLAINED = runpy.run_path(str(HERE / "explained.py"))
MODULES, ROOT = EXPLAINED["MODULES"], EXPLAINED["ROOT"]


def test_explanations_are_of_modules_that_are_mutated() -> None:
    assert {path.stem for path in (HERE / "survivors").glob("*")} <= set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_what_is_explained_stands_in_the_code(name: str) -> None:
    module = MODULES[name]
    if not (ROOT / module.source).is_file():
        pytest.skip("there is no source beside these tests")
    places = EXPLAINED["places"]((ROOT / module.source).read_text(encoding="utf-8"))
    for (function, lines), why in EXPLAINED["survivors"](name):
        assert function in places, function
        for line in lines:
            if line.startswith("- "):
                assert line.removeprefix("- ") in places[function], f"{function}\n{line}"
        assert why.endswith("."), why


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[survivor]]\nfunction = 'f'\nchange = '- a'\n", "entry 1: it has to have"),
        ("[[survivor]]\nfunction = 'f'\nchange = '- a'\nwhy = ' '\n", "entry 1: it has to have"),
        ("[[survivor]]\nfunction = 'f'\nchange = ['- a', 7]\nwhy = 'It is.'\n", "entry 1: it has to have"),
        ("[[survivor]]\nfunction = 'f'\nchange = '- a'\nwhy = 'It is.'\nmore = 1\n", "entry 1: it has to have"),
        ("[[survivor]]\nfunction = 'f'\nchange = 'a'\nwhy = 'It is.'\n", "entry 1: a change has to be"),
        ("[[survivor]]\nfunction = 'f'\nchange = '+ a'\nwhy = 'It is.'\n", "entry 1: a change has to be"),
        ("[[survivors]]\nfunction = 'f'\nchange = '- a'\nwhy = 'It is.'\n", "more in it"),
    ],
)
def test_an_explanation_in_another_form_is_refused(tmp_path: Path, text: str, message: str) -> None:
    explained = runpy.run_path(str(HERE / "explained.py"))
    explained["survivors"].__globals__["SURVIVORS"] = tmp_path
    (tmp_path / "headers.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        explained["survivors"]("headers")


def test_an_explanation_may_be_of_several_mutants(tmp_path: Path) -> None:
    explained = runpy.run_path(str(HERE / "explained.py"))
    explained["survivors"].__globals__["SURVIVORS"] = tmp_path
    text = "[[survivor]]\nfunction = 'f'\nchange = ['-   a', '''\n- a\n+  b\n''']\nwhy = '''It\nis.'''\n"
    (tmp_path / "headers.toml").write_text(text, encoding="utf-8")
    assert explained["survivors"]("headers") == [(("f", ("- a",)), "It is."), (("f", ("- a", "+ b")), "It is.")]


@pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="there is no docs/ beside these tests")
def test_the_document_says_what_is_explained() -> None:
    done = subprocess.run(
        [sys.executable, HERE / "make_docs.py", "--check"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
