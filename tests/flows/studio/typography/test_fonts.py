"""Letters are looked for before they are needed, and what lacks is named with what brings it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flows.studio.errors import StudioError
from flows.studio.typography import fonts

NOWHERE = "\U000f0000"  # of private use: no font of the packages has it


@pytest.fixture
def bare_machine(monkeypatch):
    monkeypatch.setattr(fonts, "system_font_folders", lambda: ())


@pytest.mark.usefixtures("bare_machine")
@pytest.mark.parametrize(
    "text", ["Łukasz “Ok” … 100 %\n", "Привіт, ґанок", "Γειά σου", "هل يرمش؟", "שלום", "नमस्ते", "สวัสดี"]
)
def test_the_packages_alone_have_these_scripts(text):
    assert fonts.missing_glyphs(text) == ""


def test_joiners_and_selectors_are_no_letters():
    assert fonts.missing_glyphs("\u200d\ufe0f\u2060 \n\t") == ""


@pytest.mark.usefixtures("bare_machine")
def test_what_lacks_is_told_once_with_the_package_that_has_it(monkeypatch):
    monkeypatch.setattr(fonts, "project_fonts", lambda: (fonts.font_file(),))
    told = fonts.describe_missing(["سمك", "a 🐟 b 🐟", "日本語"])
    assert len(told) == 3
    assert "on Debian `apt-get install fonts-noto-core`, brings them" in told[0]
    assert "س (U+0633)" in told[0]
    assert "`apt-get install fonts-symbola`, brings it" in told[1]
    assert "`pip install cvttf-notosanscjk-bold`, or on Debian `apt-get install fonts-noto-cjk`" in told[2]
    assert fonts.describe_missing(["Plain words."]) == ()


def test_a_file_that_is_no_font_and_one_in_colour_do_not_count(tmp_path):
    (tmp_path / "a.ttf").write_bytes(b"no font")
    assert fonts.system_fonts((tmp_path,)) == (tmp_path / "a.ttf",)
    assert fonts.read_font(tmp_path / "a.ttf") is None
    assert fonts.read_font(_in_colour(tmp_path / "b.ttf")) is None


def _in_colour(path):
    from fontTools.fontBuilder import FontBuilder

    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef"])
    builder.setupCharacterMap({})
    builder.setupGlyf({".notdef": _empty()})
    builder.setupHorizontalMetrics({".notdef": (500, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupPost()
    builder.setupCOLR({".notdef": [(".notdef", 0)]})
    builder.save(path)
    return path


def _empty():
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    return TTGlyphPen(None).glyph()


def test_the_fonts_besides_the_styles_own_are_known():
    own = fonts.font_file()
    assert fonts.fallback_files("Plain", own) == ()
    assert fonts.fallback_files("שלום " + NOWHERE, own) == ("Heebo[wght].ttf",)


def test_a_bold_row_is_wider_and_twice_the_size_is_twice_as_wide():
    plain = fonts.row_width("Is it supposed to blink?", "Noto Sans", 50, bold=False)
    bold = fonts.row_width("Is it supposed to blink?", "Noto Sans", 50, bold=True)
    large = fonts.row_width("Is it supposed to blink?", "Noto Sans", 100, bold=False)
    assert bold > plain * 1.02
    assert large == pytest.approx(2 * plain)
    assert 330 < plain < 380  # an em of 37 pixels


def test_fontconfig_is_told_every_folder_and_no_colour():
    conf = fonts.fontconfig_xml()
    assert all(str(path.parent) in conf for path in fonts.project_fonts())
    assert "rejectfont" in conf
    assert conf.index("Noto Sans Arabic") < conf.index("Noto Sans Thai")


def test_a_childs_environment_names_the_fonts_and_our_own_stays(monkeypatch):
    monkeypatch.setenv("FONTCONFIG_FILE", "mine")
    with fonts.font_environment() as environment:
        conf = Path(environment["FONTCONFIG_FILE"])
        assert str(fonts.font_file().parent) in conf.read_text(encoding="utf-8")
        assert os.environ["FONTCONFIG_FILE"] == "mine"
    assert not conf.exists()


def test_every_font_of_ours_has_its_licence_beside_it():
    for path in fonts.project_fonts():
        if path.parent == fonts.font_file().parent:
            name = path.name.split("[")[0].split("-")[0].removesuffix(".ttf")
            assert "Open Font License" in path.with_name(f"{name}-OFL.txt").read_text(encoding="utf-8")


def test_a_family_that_is_not_there_is_named():
    with pytest.raises(StudioError, match="got 'Comic Sans'"):
        fonts.font_file("Comic Sans")
